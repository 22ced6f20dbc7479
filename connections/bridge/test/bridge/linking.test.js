import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newKeyPair } from '../../fake_whatsapp/certificates.js';
import { ADA, lines, pause, SHOP, until, world } from './support.js';

test('a scanned QR links the device; Backroom hears of every step, and never of the QR', async (t) => {
	const w = await world(t);
	w.whatsapp.desk.changeQuirks({ hasFewKeys: false });
	await w.bridge();
	const id = await w.session();

	const pairing = await w.pairing(id);
	const outcome = await w.whatsapp.linking.scan(w.shop, pairing.value);
	const row = await w.state(id, 'open');

	assert.equal(outcome.outcome, 'linked');
	assert.equal(pairing.kind, 'qr');
	assert.ok(Date.parse(pairing.expires_at) > Date.now() + 50_000);
	assert.equal(row.phone, `+${SHOP}`);
	assert.equal(row.lid, w.shop.jid('lid'));
	assert.equal(row.linked_serial, 1);
	assert.equal(row.pairing, null);
	await w.event(({ state }) => state === 'open', 'open');
	assert.deepEqual(
		w.told.events.filter(({ type }) => type === 'state').map(({ state }) => state),
		['connecting', 'pairing', 'connecting', 'connecting', 'open']
	);
	const { rows } = await w.pool.query('select count(*) from connections_linkedkey where session_id = $1', [id]);
	assert.ok(Number(rows[0].count) > 800);
	const said = lines.join('') + JSON.stringify(w.told.events);
	assert.ok(!said.includes(pairing.value.slice(0, 20)));
	assert.ok(!lines.join('').includes(SHOP));
});

test('a code of eight characters links the device', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.session({ link_method: 'code', link_phone: `+${SHOP}` });

	const { kind, value } = await w.pairing(id);
	await until(() => [...w.whatsapp.connections][0]?.registration?.pairing, 'the request for a code');
	const outcome = await w.whatsapp.linking.enterCode(w.shop, value);

	assert.equal(kind, 'code');
	assert.equal(outcome.outcome, 'linked');
	await w.state(id, 'open');
});

test('a retired secret makes the same QR come again with a new one', async (t) => {
	const w = await world(t);
	w.whatsapp.linking.rotatesOnScan = true;
	await w.bridge();
	const id = await w.session();

	const first = await w.pairing(id);
	const refused = await w.whatsapp.linking.scan(w.shop, first.value);
	const second = await w.pairing(id, ({ value }) => value !== first.value);
	const outcome = await w.whatsapp.linking.scan(w.shop, second.value);

	assert.equal(refused.outcome, 'secret_retired');
	assert.equal(second.value.split(',')[0], first.value.split(',')[0]);
	assert.equal(outcome.outcome, 'linked');
	await w.state(id, 'open');
});

test('an account with a passkey ends the attempt; a new serial begins another one', async (t) => {
	const w = await world(t);
	w.shop.needsPasskey = true;
	await w.bridge();
	const id = await w.session();

	const first = await w.pairing(id);
	await w.whatsapp.linking.scan(w.shop, first.value);
	const row = await w.state(id, 'passkey_required');
	await until(async () => (await w.row(id)).lease_until <= new Date(), 'the end of the lease');
	w.shop.needsPasskey = false;
	await w.pool.query('update connections_linkedsession set link_serial = 2 where id = $1', [id]);
	const second = await w.pairing(id);

	assert.equal(row.pairing, null);
	assert.equal((await w.whatsapp.linking.scan(w.shop, second.value)).outcome, 'linked');
	await w.state(id, 'open');
});

test('a server with another root key is refused and never shows a QR', async (t) => {
	const w = await world(t);
	await w.bridge({ LINKED_DEVICE_ROOT_KEY: 'ab'.repeat(32) });
	const id = await w.session();

	const row = await w.state(id, 'backoff');

	assert.equal(row.state_reason, 'untrusted_server');
	assert.equal(row.pairing, null);
	assert.ok(!w.whatsapp.happenings.some(({ what }) => what === 'linked'));
});

test('a server that shows the certificate of another one is not trusted', async (t) => {
	const w = await world(t);
	w.whatsapp.chainKeys = { ...w.whatsapp.chainKeys, leaf: newKeyPair() };
	await w.bridge();
	const id = await w.session();

	const row = await w.state(id, 'backoff');

	assert.deepEqual([row.state_reason, row.pairing], ['untrusted_server', null]);
});

test('a forged confirmation of the phone links nothing', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.session();

	const { value } = await w.pairing(id);
	const outcome = await w.whatsapp.linking.scan(w.shop, value, { hmac: true });
	await w.pairing(id, (shown) => shown.value !== value);

	assert.equal(outcome.outcome, 'refused');
	assert.equal((await w.row(id)).creds, null);
});

test('an attempt that was cut short begins again with another identity', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.session({ link_method: 'code', link_phone: `+${SHOP}` });
	const first = await w.pairing(id);

	w.whatsapp.cut('drop');
	const second = await w.pairing(id, ({ value }) => value !== first.value);
	await until(() => [...w.whatsapp.connections][0]?.registration?.pairing, 'the request for a code');

	assert.equal((await w.whatsapp.linking.enterCode(w.shop, second.value)).outcome, 'linked');
	await w.state(id, 'open');
});

test('wanted off closes and keeps the keys; on opens again; logout unlinks and erases', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();
	const want = (/** @type {string} */ wanted) =>
		w.pool.query('update connections_linkedsession set wanted = $2 where id = $1', [id, wanted]);

	await want('off');
	const off = await w.state(id, 'off');
	await until(() => w.whatsapp.connections.size === 0, 'the socket to close');
	await want('on');
	await w.state(id, 'open');
	await want('logout');
	const gone = await w.state(id, 'logged_out');

	assert.ok(off.creds);
	assert.equal(gone.creds, null);
	assert.equal(gone.data_key, null);
	await until(() => w.shop.devices.size === 0, 'the phone to forget the device');
	const { rows } = await w.pool.query('select count(*) from connections_linkedkey');
	assert.equal(rows[0].count, '0');
	await pause(50);
	assert.ok(!lines.join('').includes(ADA));
});
