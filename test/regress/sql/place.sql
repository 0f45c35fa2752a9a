-- place: distances, and the places that can be asked for (Q2).
CREATE FUNCTION haversine_m(a double precision, b double precision, c double precision, d double precision) RETURNS
    double precision
    LANGUAGE sql
AS $$ SELECT 2 * 6371008.8 * asin(least(1, sqrt(sind((c - a) / 2) ^ 2 + cosd(a) * cosd(c) * sind((d - b) / 2) ^ 2))) $$;
CREATE TABLE point AS
SELECT latitude::double precision, longitude::double precision
FROM generate_series(-90, 90, 22.5) AS latitude, generate_series(-180, 180, 30) AS longitude;
GRANT SELECT ON point TO analyst1;
\c - analyst1
SET extra_float_digits = 0;
-- Against the formula, over the globe: poles, the date line, antipodes.
SELECT count(*) AS pairs,
       bool_and(abs(lpr.distance_m(a.latitude, a.longitude, b.latitude, b.longitude)
                    - haversine_m(a.latitude, a.longitude, b.latitude, b.longitude)) < 1) AS agrees,
       bool_and(abs(lpr.distance_m(a.latitude, a.longitude, b.latitude, b.longitude)
                    - lpr.distance_m(b.latitude, b.longitude, a.latitude, a.longitude)) < 0.001) AS symmetric,
       bool_and(lpr.distance_m(a.latitude, a.longitude, a.latitude, a.longitude) = 0) AS zero,
       max(lpr.distance_m(a.latitude, a.longitude, b.latitude, b.longitude))::bigint AS farthest
FROM point AS a, point AS b;
-- San Ysidro and Otay Mesa, some ten kilometres; and half a metre.
SELECT round(lpr.distance_m(32.552, -117.042, 32.56, -116.945)::numeric) AS metres,
       round(lpr.distance_m(32.552, -117.042, 32.5520045, -117.042)::numeric, 3) AS half;
SELECT lpr.distance_m(NULL, 0, 0, 0) IS NULL AS a, lpr.distance_m(0, 0, 0, NULL) IS NULL AS d;
SELECT lpr.distance_m('NaN', 0, 0, 0) <= 1 AS nan, lpr.distance_m('Infinity', 0, 0, 0) <= 1 AS infinity;

-- LP014: a point has -90 to 90 and -180 to 180 degrees, a radius 1 to 500,000 metres.
SELECT count(*) FROM lpr.search_location(90.1, 0);
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_location(0, -180.1);
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_location('NaN', 0);
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_location(32.552, -117.042, 0.99);
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_location(32.552, -117.042, 500001);
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_location(32.552, -117.042, 'Infinity');
\echo :SQLSTATE
-- With a plate as well.
SELECT count(*) FROM lpr.reads WHERE plate = '7ABC123' AND lpr.distance_m(latitude, longitude, 32.552, -217.042) < 1000;
\echo :SQLSTATE
-- An address names a place, and has at most 200 bytes.
SELECT count(*) FROM lpr.search_location(address => 'St');
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_location(address => repeat('x', 201));
\echo :SQLSTATE
-- Neither point nor address: LP001; half a point: LP014. Nothing is nearer than NULL.
SELECT count(*) FROM lpr.search_location();
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_location(latitude => 32.552);
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_location(longitude => -117.042);
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_location(32.552, -117.042, NULL);
-- The text of an address is a text, whatever it holds.
SELECT lpr.like_literal('100% of_it\'), '100% of_it\' LIKE lpr.like_literal('100% of_it\') AS itself,
    '100x of_it\' LIKE lpr.like_literal('100% of_it\') AS other;
\c - postgres
DROP TABLE point;
DROP FUNCTION haversine_m(double precision, double precision, double precision, double precision);

-- ---- ports of entry: where each of them is, as the filter judges a camera there (Q4) ----
SELECT border, count(*), count(DISTINCT code) AS codes, count(DISTINCT state) AS states FROM lpr.ports GROUP BY border
ORDER BY border;
SELECT p.code, p.name, lpr_data.judge_place('US', p.state, p.latitude, p.longitude) FROM lpr.ports AS p
WHERE lpr_data.judge_place('US', p.state, p.latitude, p.longitude) <> 'inside';
