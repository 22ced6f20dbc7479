import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs, { appendFileSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Events } from '../../src/events.js';
import { Keyring } from '../../src/keyring.js';
import { lifeOf, Spool } from '../../src/spool.js';
import { backroom, folder, KEYS, pause, SECRET, until } from './support.js';

const keyring = Keyring.parse(KEYS);
const DEAD = spawnSync('true').pid;

/** Makes a file look as if its process were another one. @param {string} path @param {Record<string, any>} change */
function rewriteHeader(path, change) {
	const [header, ...rest] = readFileSync(path, 'utf8').split('\n');
	writeFileSync(path, [JSON.stringify({ ...JSON.parse(header), ...change }), ...rest].join('\n'));
}

/** @param {typeof fs.writeSync} writeSync what the disk does from now on */
function fullDisk(writeSync) {
	fs.writeSync = writeSync;
	syncBuiltinESMExports();
}

test('events that were not stored are found by the next process, in order, without the stored ones', (t) => {
	const path = folder(t);
	const dead = new Spool(path, 'dead', keyring);
	['a', 'b', 'c', 'd'].forEach((id) => dead.add({ id, text: `text ${id}` }, true));
	dead.forget(['b']);
	appendFileSync(dead.path, '+ 5 half-a-li');
	assert.ok(!readFileSync(dead.path, 'utf8').includes('text'));
	rewriteHeader(dead.path, { pid: DEAD });

	const next = new Spool(path, 'next', keyring);
	const [left] = next.leftovers();
	left.done();

	assert.deepEqual(left.events.map(({ id }) => id), ['a', 'c', 'd']);
	assert.equal(left.events[0].text, 'text a');
	assert.deepEqual(next.leftovers(), []);
	assert.deepEqual(readdirSync(path), ['next.spool']);
});

test('a file of a living process is left alone, one of another host only while it is touched', (t) => {
	const path = folder(t);
	const alive = new Spool(path, 'alive', keyring);
	alive.add({ id: 'a' });
	rewriteHeader(alive.path, { pid: process.ppid, life: lifeOf(process.ppid) });
	const far = new Spool(path, 'far', keyring);
	far.add({ id: 'b' });
	rewriteHeader(far.path, { host: `not-${hostname()}` });
	const mine = new Spool(path, 'mine', keyring);

	assert.deepEqual(mine.leftovers(), []);
	utimesSync(alive.path, new Date(0), new Date(0));
	utimesSync(far.path, new Date(0), new Date(0));
	assert.deepEqual(mine.leftovers().map(({ events }) => events[0].id), ['b']);
});

test('a number that another program has by now is no sign of life', (t) => {
	const path = folder(t);
	for (const [owner, change] of /** @type {[string, any][]} */ ([
		['other', { pid: process.ppid }],
		['own', { life: `${lifeOf(process.pid)}0` }],
		['unknown', { pid: process.ppid, life: null }]
	])) {
		const spool = new Spool(path, owner, keyring);
		spool.add({ id: owner });
		rewriteHeader(spool.path, change);
	}
	const mine = new Spool(path, 'mine', keyring);
	const found = () => mine.leftovers().map(({ events }) => events[0].id);

	assert.deepEqual(found(), ['other', 'own']);
	utimesSync(join(path, 'unknown.spool'), new Date(Date.now() - 700_000), new Date(Date.now() - 700_000));
	assert.deepEqual(found(), ['other', 'own', 'unknown']);
});

test('the file shrinks when all is stored and is gone at the end', (t) => {
	const path = folder(t);
	const spool = new Spool(path, 'mine', keyring);
	const empty = statSync(spool.path).size;

	for (let number = 0; number < 50; number++) {
		spool.add({ id: `e${number}`, text: 'x'.repeat(1000) });
	}
	assert.ok(statSync(spool.path).size > 50_000);
	spool.forget(Array.from({ length: 50 }, (_, number) => `e${number}`));

	assert.equal(statSync(spool.path).size, empty);
	spool.close();
	assert.deepEqual(readdirSync(path), []);
});

test('a damaged file is put aside and told, and does not stop the start', (t) => {
	const path = folder(t);
	const dead = new Spool(path, 'dead', keyring);
	dead.add({ id: 'a' });
	rewriteHeader(dead.path, { pid: DEAD, key_id: 'k9' });

	assert.deepEqual(new Spool(path, 'next', keyring).leftovers(), []);
	assert.ok(readdirSync(path).includes('dead.spool.unreadable'));
});

test('a full disk never throws, and is known', (t) => {
	const spool = new Spool(folder(t), 'mine', keyring);
	const { file } = spool;
	spool.file = 9999;

	spool.add({ id: 'a' }, true);
	assert.ok(spool.isBroken);
	spool.file = file;
	spool.touch();

	assert.ok(!spool.isBroken);
	assert.match(readFileSync(spool.path, 'utf8'), /^\+ 1 /m);
});

test('half a line is taken back, and nothing of it spoils the rest', (t) => {
	const path = folder(t);
	const spool = new Spool(path, 'mine', keyring);
	spool.add({ id: 'a' });
	const { writeSync } = fs;
	t.after(() => fullDisk(writeSync));

	fullDisk(/** @type {any} */ ((/** @type {number} */ file, /** @type {Buffer} */ bytes) => writeSync(file, bytes.subarray(0, 9))));
	spool.add({ id: 'b' });
	fullDisk(writeSync);
	spool.add({ id: 'c' });

	assert.ok(spool.isBroken);
	rewriteHeader(spool.path, { pid: DEAD });
	assert.deepEqual(new Spool(path, 'next', keyring).leftovers()[0].events.map(({ id }) => id), ['a', 'c']);
});

test('of what a dead process left, all but its states is told, and kept until it is on a disk', (t) => {
	const path = folder(t);
	const dead = new Spool(path, 'dead', keyring);
	dead.add({ id: 's', session: 's', type: 'state' });
	dead.add({ id: 'm', session: 's', type: 'message' });
	rewriteHeader(dead.path, { pid: DEAD });
	const spool = new Spool(path, 'next', keyring);
	const events = new Events({ url: '', secret: SECRET, owner: 'next', spool });
	const { file } = spool;
	spool.file = 9999;

	assert.equal(events.replay(), 1);
	assert.ok(readdirSync(path).includes('dead.spool'));
	spool.file = file;
	spool.touch();

	assert.equal(events.replay(), 1);
	assert.deepEqual(readdirSync(path), ['next.spool']);
	assert.equal(spool.size, 1);
	rewriteHeader(spool.path, { pid: DEAD });
	assert.deepEqual(new Spool(path, 'last', keyring).leftovers()[0].events.map(({ id }) => id), ['m']);
});

test('events keep their order through refusals, and come once', async (t) => {
	const told = await backroom(t);
	let count = 0;
	told.answer = () => (++count <= 2 ? 503 : 200);
	const spool = new Spool(folder(t), 'mine', keyring);
	const events = new Events({ url: told.url, secret: SECRET, owner: 'mine', spool });
	events.start();

	for (let number = 0; number < 250; number++) {
		events.tell({ id: `m:${number}`, session: 's', type: 'message' });
	}
	events.tell({ id: 'm:7', session: 's', type: 'message' });
	await until(() => told.events.length === 250, 'all events');
	await events.stop(1000);

	assert.deepEqual(told.events.map(({ id }) => id), told.events.map((_, number) => `m:${number}`));
	assert.deepEqual(told.batches[0].batch.events, told.batches[2].batch.events);
	assert.ok(told.batches.every(({ batch }) => batch.events.length <= 100 && batch.v === 1 && batch.bridge === 'mine'));
	assert.equal(spool.size, 0);
});

test('a batch that is too big is halved', async (t) => {
	const told = await backroom(t);
	told.answer = ({ events }) => (events.length > 10 ? 413 : 200);
	const events = new Events({ url: told.url, secret: SECRET, owner: 'mine', spool: new Spool(folder(t), 'mine', keyring) });
	events.start();

	for (let number = 0; number < 40; number++) {
		events.tell({ session: 's', type: 'message' });
	}
	await until(() => told.events.length === 40, 'all events');
	await events.stop(1000);

	assert.equal(new Set(told.events.map(({ id }) => id)).size, 40);
});

test('what is not stored at the end stays on the disk', async (t) => {
	const told = await backroom(t);
	told.answer = () => 500;
	const path = folder(t);
	const spool = new Spool(path, 'mine', keyring);
	const events = new Events({ url: told.url, secret: SECRET, owner: 'mine', spool });
	events.start();

	events.tell({ session: 's', type: 'state' });
	await pause(100);
	await events.stop(50);
	spool.close();

	const next = new Spool(path, 'next', keyring);
	assert.equal(next.leftovers()[0].events[0].type, 'state');
});
