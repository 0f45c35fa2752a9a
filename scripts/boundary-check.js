#!/usr/bin/env node
// Measures data/us-boundary.txt against the counties that it was made from (data/README.md has the result): random
// points close to every border with a foreign country are looked up in both.
//   node --max-old-space-size=8000 scripts/boundary-check.js county.geo.json data/us-boundary.txt [points] [metres]
'use strict';
const fs = require('fs');
const [, , source, data, wanted = '200000', metres = '60'] = process.argv;
const counties = JSON.parse(fs.readFileSync(source)).features.map(f => {
	const rings = (f.geometry.type === 'Polygon' ? [f.geometry.coordinates] : f.geometry.coordinates).flat();
	const box = [180, 90, -180, -90];
	for (const ring of rings)
		for (const [x, y] of ring)
		{
			box[0] = Math.min(box[0], x);
			box[1] = Math.min(box[1], y);
			box[2] = Math.max(box[2], x);
			box[3] = Math.max(box[3], y);
		}
	return { rings, box };
});
const crosses = (x, y, x1, y1, x2, y2) => (y1 > y) !== (y2 > y) && x < x1 + (x2 - x1) * (y - y1) / (y2 - y1);
function inSource(x, y)
{
	return counties.some(c => {
		if (x < c.box[0] || y < c.box[1] || x > c.box[2] || y > c.box[3])
			return false;
		let inside = false;
		for (const r of c.rings)
			for (let i = 1; i < r.length; i++)
				if (crosses(x, y, r[i - 1][0], r[i - 1][1], r[i][0], r[i][1]))
					inside = !inside;
		return inside;
	});
}
const outer = [], borders = [];
let arc = null;
for (const l of fs.readFileSync(data, 'utf8').split('\n'))
{
	const w = l.split(' ');
	if (w[0] === 'arc')
	{
		arc = { outer: w[1] === '-' || w[2] === '-', border: w[3] === 'border', last: null };
		continue;
	}
	if (w.length !== 2 || l[0] === '#')
		continue;
	const p = [w[0] / 1e5, w[1] / 1e5];
	if (arc.outer && arc.last)
		outer.push([...arc.last, ...p]);
	if (arc.border && arc.last)
		borders.push([...arc.last, ...p]);
	arc.last = p;
}
const bands = new Map();
for (const e of outer)
	for (let b = Math.floor(Math.min(e[1], e[3]) * 50); b <= Math.floor(Math.max(e[1], e[3]) * 50); b++)
		(bands.get(b) || bands.set(b, []).get(b)).push(e);
const inData = (x, y) => (bands.get(Math.floor(y * 50)) || []).filter(e => crosses(x, y, ...e)).length % 2 === 1;
function away(x, y) // metres from the line
{
	const k = Math.cos(y * Math.PI / 180);
	let best = Infinity;
	for (let b = Math.floor(y * 50) - 1; b <= Math.floor(y * 50) + 1; b++)
		for (const e of bands.get(b) || [])
		{
			const ax = (e[0] - x) * k, ay = e[1] - y, dx = (e[2] - e[0]) * k, dy = e[3] - e[1], n = dx * dx + dy * dy;
			const t = n ? Math.max(0, Math.min(1, -(ax * dx + ay * dy) / n)) : 0;
			best = Math.min(best, Math.hypot(ax + t * dx, ay + t * dy));
		}
	return best * 111195;
}
let seed = 1;
const random = () => (seed = seed * 48271 % 2147483647) / 2147483647;
const found = { points: 0, same: 0, gained: 0, gainedMost: 0, lost: 0, lostMost: 0 };
while (found.points < +wanted)
{
	const e = borders[Math.floor(random() * borders.length)], t = random();
	const y = e[1] + t * (e[3] - e[1]) + (2 * random() - 1) * metres / 111195;
	const x = e[0] + t * (e[2] - e[0]) + (2 * random() - 1) * metres / 111195 / Math.cos(y * Math.PI / 180);
	const a = inSource(x, y), b = inData(x, y);
	found.points++;
	if (a === b)
		found.same++;
	else
	{
		const which = b ? 'gained' : 'lost';
		found[which]++;
		found[which + 'Most'] = Math.max(found[which + 'Most'], away(x, y));
	}
}
console.log(JSON.stringify(found));
