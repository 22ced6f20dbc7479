import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import pg from 'pg';
import { TIMES } from '../../src/sessions.js';
import { Store } from '../../src/store.js';
import { KEYS, lines, SHOP, until, world } from './support.js';

test('a cut connection comes back, and only one of it', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();

	for (const how of /** @type {const} */ (['drop', 'xmlstreamend', 503, 515])) {
		const before = w.whatsapp.happenings.filter(({ what }) => what === 'online').length;
		w.whatsapp.cut(how);
		await until(() => w.whatsapp.happenings.filter(({ what }) => what === 'online').length > before, `the return after ${how}`);
		await w.state(id, 'open');
	}

	assert.equal(w.whatsapp.connections.size, 1);
	await w.event(({ state }) => state === 'backoff', 'backoff');
	await w.customerWrites('Still there?');
	await w.event(({ text }) => text === 'Still there?', 'message');
});

test('a refused upgrade does not hang and is no logout', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();

	w.whatsapp.faults.refuseUpgrades(401);
	w.whatsapp.cut('drop');
	await w.event(({ state, code }) => state === 'backoff' && code === 503, 'the refusal');

	await w.state(id, 'open');
});

test('a device that was unlinked on the phone loses its keys and rests', async (t) => {
	const w = await world(t);
	const bridge = await w.bridge();
	const id = await w.linked();

	w.whatsapp.unlink(w.shop, 1);
	const row = await w.state(id, 'logged_out');
	await until(() => bridge.sessions?.size === 0, 'the rest');

	assert.deepEqual([row.state_code, row.state_reason, row.creds], [401, 'unlinked', null]);
	const { rows } = await w.pool.query('select count(*) from connections_linkedkey');
	assert.equal(rows[0].count, '0');
	await w.pool.query('update connections_linkedsession set link_serial = 2 where id = $1', [id]);
	const { value } = await w.pairing(id);
	assert.equal((await w.whatsapp.linking.scan(w.shop, value)).outcome, 'linked');
	await w.state(id, 'open');
});

test('keys that were opened elsewhere get one slow try', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();

	w.whatsapp.cut('replaced');
	const row = await w.state(id, 'replaced');

	const seconds = (row.state_until - Date.now()) / 1000;
	assert.ok(seconds > 50 && seconds < 61);
	assert.equal(row.state_code, 440);
	assert.ok(row.creds);
});

test('refused logins have their states, and keep the keys', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();

	for (const [failure, state, reason] of /** @type {[any, string, string][]} */ ([
		[{ reason: 402, code: 101, expire: 7200 }, 'banned', 'too_many_strangers'],
		[{ reason: 403 }, 'banned', 'locked'],
		[{ reason: 411 }, 'needs_human', 'multidevice_mismatch'],
		[{ reason: 405 }, 'outdated', 'version_refused']
	])) {
		w.whatsapp.faults.failLogins(failure);
		w.whatsapp.cut('drop');
		const row = await until(async () => {
			const now = await w.row(id);
			return now.state_code === failure.reason ? now : null;
		}, state);

		assert.deepEqual([row.state, row.state_reason], [state, reason]);
		assert.ok(row.creds);
		assert.equal(row.state_until > new Date(Date.now() + 7_000_000), failure.expire !== undefined);
		if (state !== 'outdated') {
			await until(async () => (await w.row(id)).lease_until <= new Date(), 'the rest');
			// Support has looked: try again.
			await w.pool.query("update connections_linkedsession set state = 'backoff' where id = $1", [id]);
			await w.state(id, 'open');
		}
	}
});

test('a fault inside one session is its own: it tries again, and others live on', async (t) => {
	const w = await world(t);
	const bridge = await w.bridge();
	const [first, second] = [await w.session(), await w.session()];
	await w.pairing(first);
	await w.pairing(second);
	const session = /** @type {any} */ (bridge.sessions?.get(first));
	session.pairing.show = async () => {
		delete session.pairing.show;
		throw new TypeError('a fault');
	};

	const { value } = (await w.row(first)).pairing;
	w.whatsapp.cut('drop');
	await w.pairing(first, (shown) => shown.value !== value);
	await until(() => w.whatsapp.connections.size === 2, 'both sockets');

	assert.ok(lines.some((line) => line.includes('bridge.session.crashed') && line.includes(first)));
	await w.pairing(second);
});

test('an attempt to link that fails each time comes to an end', async (t) => {
	const w = await world(t);
	const bridge = await w.bridge();
	const id = await w.session({ link_method: 'code', link_phone: 'none' });

	const row = await w.state(id, 'expired');

	assert.equal(row.state_reason, 'no_phone');
	await until(() => bridge.sessions?.size === 0, 'the rest');
});

test('damaged or foreign keys need a human; other sessions live on', async (t) => {
	const w = await world(t);
	const first = await w.bridge();
	const id = await w.linked();
	await first.stop();
	const { creds, data_key: dataKey, key_id: keyId } = await w.row(id);
	const held = { creds, data_key: dataKey, key_id: keyId, link_serial: 1, linked_serial: 1, state: 'open' };
	const damaged = Buffer.from(creds);
	damaged[20] ^= 1;

	const copied = await w.session(held);
	const foreign = await w.session({ ...held, key_id: 'k9' });
	await w.pool.query('update connections_linkedsession set creds = $2 where id = $1', [id, damaged]);
	const other = await w.session();
	await w.bridge();

	for (const one of [id, copied, foreign]) {
		const row = await w.state(one, 'needs_human');
		assert.equal(row.state_reason, 'keys_unreadable');
		assert.ok(row.creds);
	}
	await w.pairing(other);
	assert.equal(w.shop.devices.size, 1);
});

test('a key that was damaged meanwhile stops only its own session', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();
	await w.customerWrites('Hello');
	await w.event(({ text }) => text === 'Hello', 'message');

	await w.pool.query("update connections_linkedkey set value = $1 where kind = 'session'", [randomBytes(60)]);
	await w.customerWrites('Lost?');
	await w.state(id, 'needs_human');

	assert.ok(!w.told.events.some(({ type }) => type === 'undecryptable'));
});

test('a new first key wraps the data keys anew; the old one may go then', async (t) => {
	const w = await world(t);
	const first = await w.bridge();
	const id = await w.linked();
	await first.stop();

	const fresh = `k2:${randomBytes(32).toString('base64')}`;
	const second = await w.bridge({ BACKROOM_KEYS: `${fresh},${KEYS}` });
	await until(async () => (await w.row(id)).key_id === 'k2', 'the new key');
	await second.stop();
	await w.bridge({ BACKROOM_KEYS: fresh });

	await w.state(id, 'open');
	assert.equal((await w.row(id)).key_id, 'k2');
});

test('a database that fails while the keys are opened costs neither them nor the link', async (t) => {
	const w = await world(t);
	const first = await w.bridge();
	const id = await w.linked();
	await first.stop();
	const { load } = Store.prototype;
	const { query } = pg.Pool.prototype;
	t.after(() => Object.assign(Store.prototype, { load }) && Object.assign(pg.Pool.prototype, { query }));
	const away = () => Promise.reject(new Error('Connection terminated unexpectedly'));

	// Once before anything is known, then once while the data key is wrapped anew.
	Store.prototype.load = function () {
		Store.prototype.load = load;
		return away();
	};
	let failed = 0;
	pg.Pool.prototype.query = /** @type {any} */ (
		function (/** @type {any} */ text, /** @type {any} */ values) {
			// @ts-ignore: the pool itself
			return /set data_key = \$3, key_id/.test(text) && (failed += 1) === 1 ? away() : query.call(this, text, values);
		}
	);
	await w.bridge({ BACKROOM_KEYS: `k2:${randomBytes(32).toString('base64')},${KEYS}` });
	await until(() => failed && w.whatsapp.connections.size === 1, 'the failures and the return');

	const row = await w.state(id, 'open');
	assert.deepEqual([row.phone, row.key_id], [`+${SHOP}`, 'k1']);
	assert.ok(row.creds);
	assert.equal(w.shop.devices.size, 1);
});

test('a stolen lease closes the socket without a word', async (t) => {
	const w = await world(t);
	const bridge = await w.bridge();
	const id = await w.linked();
	await w.event(({ state }) => state === 'open', 'open');
	const before = w.told.events.length;

	await w.pool.query(
		"update connections_linkedsession set owner = 'other', epoch = epoch + 1, lease_until = now() + interval '1 hour' where id = $1",
		[id]
	);
	await w.customerWrites('Whose is it?');
	await until(() => w.whatsapp.connections.size === 0, 'the socket to close');

	assert.equal(bridge.sessions?.size, 0);
	const told = w.told.events.slice(before).filter(({ type }) => type !== 'message');
	assert.deepEqual(told, []);
	assert.deepEqual([(await w.row(id)).owner, (await w.row(id)).state], ['other', 'open']);
});

test('who cannot renew closes the sockets before the lease ends', async (t) => {
	const w = await world(t);
	Object.assign(TIMES, { renew: 100, fenceLook: 50 });
	t.after(() => Object.assign(TIMES, { renew: 4000, fence: 12_000, fenceLook: 500 }));
	const bridge = await w.bridge();
	await w.linked();
	TIMES.fence = 500;

	Object.assign(/** @type {any} */ (bridge.sessions).leases, {
		renew: () => Promise.reject(new Error('away')),
		claim: () => Promise.reject(new Error('away'))
	});
	await until(() => w.whatsapp.connections.size === 0, 'the socket to close');

	assert.equal(bridge.sessions?.size, 0);
	assert.equal(bridge.health().ok, false);
});
