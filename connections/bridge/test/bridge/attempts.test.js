/** Attempts to link that come to nothing, and what is left of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pause, SHOP, until, world } from './support.js';

/** @param {import('./support.js').World} w */
const registration = (w) => [...w.whatsapp.connections].find((one) => one.registration)?.registration;

test('six codes that nobody scans end the attempt; a new serial begins another', async (t) => {
	const w = await world(t);
	const bridge = await w.bridge({ BRIDGE_QR_MS: '100' });
	const id = await w.session();

	const seen = new Set();
	const start = Date.now();
	const row = await until(async () => {
		const now = await w.row(id);
		if (now.pairing) {
			seen.add(now.pairing.value);
			assert.ok(Date.parse(now.pairing.expires_at) <= Date.now() + 100);
		}
		return now.state === 'expired' ? now : null;
	}, 'the end');

	assert.ok(Date.now() - start > 450);
	assert.ok(seen.size >= 5, `${seen.size} codes`);
	assert.deepEqual([row.state_reason, row.pairing, row.creds], ['not_scanned', null, null]);
	await until(() => bridge.sessions?.size === 0 && w.whatsapp.connections.size === 0, 'the rest');
	await w.pool.query('update connections_linkedsession set link_serial = 2 where id = $1', [id]);
	const { value } = await w.pairing(id);
	assert.equal((await w.whatsapp.linking.scan(w.shop, value)).outcome, 'linked');
	await w.state(id, 'open');
});

test('a code that WhatsApp does not give is never shown', async (t) => {
	const w = await world(t);
	const bridge = await w.bridge();
	w.whatsapp.desk.changeLinking({ refusesCodes: true });
	const id = await w.session({ link_method: 'code', link_phone: `+${SHOP}` });

	const row = await w.state(id, 'expired');

	assert.deepEqual([row.state_code, row.state_reason, row.pairing], [429, 'code_refused', null]);
	assert.ok(!w.told.events.some(({ state }) => state === 'pairing'));
	await until(() => bridge.sessions?.size === 0, 'the rest');
});

test('a process that ends before the keys are stored leaves no device behind; the next one says so', async (t) => {
	const w = await world(t);
	const first = await w.process();
	const id = await w.session();
	const { value } = await w.pairing(id);
	const lock = await w.pool.connect();
	await lock.query('begin');
	await lock.query('select 1 from connections_linkedsession where id = $1 for update', [id]);

	const scanned = w.whatsapp.linking.scan(w.shop, value);
	await until(() => registration(w)?.signing, "the phone's word");
	await new Promise((resolve) => setTimeout(resolve, 300));
	first.child.kill('SIGKILL');
	await first.exit;
	// PostgreSQL would still do what the dead process asked for.
	await w.pool.query(
		"select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'backroom-bridge' and wait_event_type = 'Lock'"
	);
	await lock.query('rollback');
	lock.release();

	assert.equal((await scanned).outcome, 'refused');
	assert.equal(w.shop.devices.size, 0);
	await w.pool.query('update connections_linkedsession set lease_until = now()');
	await w.bridge();
	const again = await w.pairing(id, (shown) => shown.value !== value);
	const row = await w.row(id);
	assert.deepEqual([row.state, row.state_reason], ['pairing', 'interrupted']);
	assert.equal((await w.whatsapp.linking.scan(w.shop, again.value)).outcome, 'linked');
	assert.equal((await w.state(id, 'open')).state_reason, null);
	assert.equal(w.shop.devices.size, 1);
});

test('a device that WhatsApp never heard of in the end is not called logged out', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.session();
	const { value } = await w.pairing(id);
	const attempt = /** @type {import('../../fake_whatsapp/registration.js').Registration} */ (registration(w));
	// The answer is lost on its way.
	attempt.signed = () => attempt.connection.drop();

	await w.whatsapp.linking.scan(w.shop, value);
	const row = await w.state(id, 'expired');

	assert.deepEqual([row.state_code, row.state_reason, row.creds, row.data_key], [401, 'not_finished', null, null]);
	await w.pool.query('update connections_linkedsession set link_serial = 2 where id = $1', [id]);
	const again = await w.pairing(id);
	assert.equal((await w.whatsapp.linking.scan(w.shop, again.value)).outcome, 'linked');
	await w.state(id, 'open');
});

test('two wishes at once leave one socket, that of the later one', async (t) => {
	const w = await world(t);
	const bridge = await w.bridge();
	const id = await w.session();
	await w.pairing(id);
	const session = /** @type {import('../../src/session.js').Session} */ (bridge.sessions?.get(id));
	await w.pool.query('update connections_linkedsession set link_serial = 3 where id = $1', [id]);

	session.follow({ ...session.wish, link_serial: 2 });
	session.follow({ ...session.wish, link_serial: 3 });
	await until(async () => (await w.row(id)).linked_serial === 3, 'the later wish');
	await w.pairing(id);
	await pause(150);

	assert.equal(w.whatsapp.connections.size, 1);
	assert.equal((await w.whatsapp.linking.scan(w.shop, (await w.row(id)).pairing.value)).outcome, 'linked');
	await w.state(id, 'open');
});
