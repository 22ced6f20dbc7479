import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ADA, pause, SHOP, until, world } from './support.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

test('what got its receipt is told after a kill, though Backroom was away', async (t) => {
	const w = await world(t);
	const first = await w.process();
	await w.linked();
	w.told.answer = () => 503;

	const sent = await w.customerWrites('Am I lost?');
	await until(() => sent.receipts.length > 0, 'the receipt');
	await until(() => w.shop.devices.get(1).pending.length === 0, 'the end of the queue');
	first.child.kill('SIGKILL');
	await first.exit;
	assert.ok(!w.told.events.some(({ text }) => text === 'Am I lost?'));
	w.told.answer = () => 200;
	await w.process();
	const event = await w.event(({ text }) => text === 'Am I lost?', 'the message');

	assert.equal(event.wa_id, sent.id);
	assert.ok(!first.output.includes('lost?') && !first.output.includes(ADA) && !first.output.includes(SHOP));
	assert.ok(!/privKey|chainKey|SessionEntry/.test(first.output));
});

test('SIGTERM hands over to another process at once; a kill when the lease runs out', async (t) => {
	const w = await world(t);
	const first = await w.process();
	const id = await w.linked();
	const second = await w.process();

	const online = () => w.whatsapp.happenings.filter(({ what }) => what === 'online').length;
	const before = online();
	first.child.kill('SIGTERM');
	const start = Date.now();
	await until(() => online() > before, 'the return');
	await until(async () => (await w.row(id)).owner === second.owner, 'the second owner');
	await w.state(id, 'open');
	t.diagnostic(`handed over in ${Date.now() - start} ms`);
	assert.equal(await first.exit, 0);
	assert.deepEqual(readdirSync(w.path).filter((name) => name.startsWith(first.owner)), []);
	await w.customerWrites('Who is there?');
	await w.event(({ text }) => text === 'Who is there?', 'message');

	const returned = online();
	second.child.kill('SIGKILL');
	const third = await w.process();
	await pause(300);
	assert.equal((await w.row(id)).owner, second.owner);
	await w.pool.query('update connections_linkedsession set lease_until = now()');
	await until(async () => (await w.row(id)).owner === third.owner, 'the third owner');
	// What the row says of the line may still be the killed one's word.
	await until(() => online() > returned, 'the second return');
	await w.state(id, 'open');
	assert.equal(w.whatsapp.connections.size, 1);
});

test('two bridges never hold one session', async (t) => {
	const w = await world(t);
	const ids = await Promise.all(Array.from({ length: 9 }, () => w.session()));
	const bridges = await Promise.all([w.bridge({ BRIDGE_MAX_SESSIONS: '5' }), w.bridge({ BRIDGE_MAX_SESSIONS: '5' })]);

	await Promise.all(ids.map((id) => w.pairing(id)));

	for (const id of ids) {
		assert.equal(bridges.filter((bridge) => bridge.sessions?.get(id)).length, 1);
		assert.equal((await w.row(id)).epoch, '1');
	}
	assert.ok(bridges.every((bridge) => Number(bridge.sessions?.size) <= 5));
	assert.equal(w.whatsapp.connections.size, 9);
});

test('wrong settings are named and end with 2; --help says them all', () => {
	const run = (/** @type {string[]} */ args, /** @type {Record<string, string>} */ env) =>
		spawnSync(process.execPath, [MAIN, ...args], { env: { PATH: String(process.env.PATH), ...env }, encoding: 'utf8' });

	const empty = run([], {});
	const help = run(['--help'], {});

	assert.equal(empty.status, 2);
	assert.match(empty.stderr, /DATABASE_URL|LINKED/);
	assert.equal(help.status, 0);
	assert.match(help.stdout, /BACKROOM_KEYS/);
});
