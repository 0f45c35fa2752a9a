-- plate: the normal form, look-alikes, how a read matches (G1).
\c - analyst1
-- Upper case, no blanks, no separators; nothing else changes.
SELECT written, lpr.normal_plate(written)
FROM (VALUES (1, '7abc-123'), (2, '  7 ABC.123 '), (3, 'A''B_C/D'), (4, 'o0 i1 b8 s5'), (5, 'abcdefghijklmnop'),
             (6, '-1-2-3-4-5-6-7-8-9-0-1-2-3-4-5-6-'), (7, '*?%')) AS plates (n, written)
ORDER BY n;
-- Middle dot and no-break space are separators; letters of other alphabets have upper case too.
SELECT lpr.normal_plate(U&'7\00B7A\00A0B') AS separators, lpr.normal_plate(U&'\00F1-a') = U&'\00D1A' AS letters;
SELECT lpr.normal_plate(NULL) IS NULL AS nothing;
-- Normal forms are their own normal forms.
SELECT count(*), bool_and(lpr.normal_plate(lpr.normal_plate(written)) = lpr.normal_plate(written)) AS stable
FROM (SELECT chr(32 + i % 95) || 'x' || chr(32 + i * 7 % 95) || chr(161 + i) FROM generate_series(0, 400) AS i)
    AS plates (written);

-- What is pasted: ends of lines, dashes, blanks, wide letters, what cannot be seen, marks in parts.
SELECT n, lpr.normal_plate(written)
FROM (VALUES (1, E'7ABC\t123\r\n'), (2, U&'7\2013A\2212B\2011C\2014123'), (3, U&'7\2009A\3000B\202FC\00A0123'),
             (4, U&'\FF17\FF41\FF22\FF0D\FF23123'), (5, U&'\FEFF7A\200BB\202EC\00AD123\2060'),
             (6, U&'n\0303AN\0303-123'), (7, U&'\00F1a\00D1123')) AS plates (n, written)
ORDER BY n;
-- The server's own tables agree: each character and its composed, decomposed and compatibility forms are one.
SELECT count(*) FILTER (WHERE lpr.normal_word(c) <> lpr.normal_word(normalize(c, NFC))) AS composed,
       count(*) FILTER (WHERE lpr.normal_word(c) <> lpr.normal_word(normalize(c, NFD))) AS decomposed,
       count(*) FILTER (WHERE lpr.normal_word(c) <> lpr.normal_word(normalize(c, NFKC))
                        AND normalize(c, NFKD) !~ U&'^[ ].|\2044') AS compatible
FROM (SELECT chr(i) FROM generate_series(1, 65535) AS i WHERE i NOT BETWEEN 55296 AND 57343) AS characters (c);

-- LP011: not a plate. Why, and by which character, is told.
SELECT lpr.normal_plate('');
\echo :SQLSTATE
SELECT lpr.normal_plate(' - . / ');
\echo :SQLSTATE
SELECT lpr.normal_plate('ABCDEFGHIJKLMNOPQ');
\echo :SQLSTATE
SELECT lpr.normal_plate(E'7ABC\001123');
\echo :SQLSTATE
SELECT lpr.normal_plate(U&'7ABC\0086123');
\echo :SQLSTATE
-- A long one is shown in part, and never in half a character.
SELECT lpr.normal_plate('x' || repeat(U&'\00E9', 100));
\echo :SQLSTATE
SELECT lpr.confusable_plates('---');
\echo :SQLSTATE
SELECT lpr.matched_how('', 'CA', '7ABC123', 'CA');
\echo :SQLSTATE

-- Look-alikes: the plate itself first, then one change, then two.
SELECT lpr.confusable_plates('xyz'), lpr.confusable_plates('ab c'), lpr.confusable_plates('o1');
SELECT plate, cardinality(alike) AS n, alike[1] = plate AS itself_first,
       cardinality(alike) = (SELECT count(DISTINCT a) FROM unnest(alike) AS a) AS distinct,
       (SELECT bool_and(lpr.matched_how(plate, 'CA', a, 'CA') = CASE n WHEN 1 THEN 'exact' ELSE 'confusable' END)
        FROM unnest(alike) WITH ORDINALITY AS u (a, n)) AS matched,
       (SELECT bool_and(plate = ANY (lpr.confusable_plates(a))) FROM unnest(alike) AS a) AS symmetric
FROM (SELECT plate, lpr.confusable_plates(plate) AS alike
      FROM unnest('{7ABC123,8XYZ890,HKM47,B8,OOO}'::text[]) AS plate) AS plates;
-- At most 64, those with the fewest changes.
SELECT cardinality(lpr.confusable_plates('0OQD1IL8B5S2Z6GO'));
-- They are never merged into one.
SELECT a, b, lpr.normal_plate(a) = lpr.normal_plate(b) AS merged
FROM (VALUES ('7ABC123', '7A8C123'), ('OO', '00'), ('I1', '1I'), ('S5', '55')) AS pairs (a, b);

-- How it matches.
SELECT asked, asked_region, plate, plate_region, lpr.matched_how(asked, asked_region, plate, plate_region)
FROM (VALUES (1, '7abc-123', 'CA', '7ABC123', 'CA'),
             (2, '7ABC123', NULL, '7ABC123', 'NV'),
             (3, '7ABC123', NULL, '7ABC123', NULL),
             (4, '7ABC123', 'CA', '7ABC123', 'NV'),
             (5, '7ABC123', 'CA', '7A8C123', 'CA'),
             (6, '7ABC123', 'CA', '7A8C123', 'NV'),
             (7, '7ABC123', 'CA', '7AXC123', 'CA'),
             (8, '7ABC123', 'CA', '7ABC12', 'CA'),
             (9, '7ABC123', 'CA', '7ABC1234', 'CA'),
             (10, '7ABC123', 'CA', '', 'CA'),
             (11, '7ABC123', 'CA', NULL, 'CA'),
             (12, NULL, 'CA', '7ABC123', 'CA'),
             (13, 'O', 'CA', 'D', 'CA'),
             (14, '1', 'CA', '2', 'CA'),
             -- a region that is none is not cut to one that is
             (15, '7ABC123', 'ALASKA', '7ABC123', 'AL')) AS pairs (n, asked, asked_region, plate, plate_region)
ORDER BY n;
-- A region that the vendor does not tell.
SELECT lpr.matched_how('7ABC123', 'CA', '7ABC123', NULL);
