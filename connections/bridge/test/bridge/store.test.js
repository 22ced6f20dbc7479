import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { initAuthCreds } from 'baileys';
import { connect, Fenced } from '../../src/database.js';
import { Keyring, Unreadable } from '../../src/keyring.js';
import { Leases } from '../../src/leases.js';
import { TIMES } from '../../src/sessions.js';
import { AWAY, Closed, Store } from '../../src/store.js';
import { database, KEYS, walledDatabase } from './support.js';

const keyring = Keyring.parse(KEYS);
const live = () => true;

/** @param {import('node:test').TestContext} t */
async function claimed(t) {
	const { pool } = await database(t);
	await pool.query('insert into connections_linkedsession (id, link_serial) values ($1, 1)', [randomUUID()]);
	const [row] = await new Leases(pool, 'first', 'http://first').claim(5);
	/** @type {Error[]} */
	const broken = [];
	const store = new Store(pool, keyring, row, (error) => broken.push(error));
	await store.begin();
	return { pool, row, store, broken };
}

test('keys come back as they were, and removed ones do not', async (t) => {
	const { store, pool } = await claimed(t);
	const keys = store.keysFor(live);

	await keys.set({ session: { 'a.1': Buffer.from([1, 2]) }, 'pre-key': { 1: { public: Buffer.from([3]), private: Buffer.from([4]) } } });
	await keys.set({ session: { 'a.1': null, 'b.1': Buffer.from([5]) } });

	assert.deepEqual(await keys.get('session', ['a.1', 'b.1', 'c.1']), { 'b.1': Buffer.from([5]) });
	assert.deepEqual((await keys.get('pre-key', ['1']))[1].private, Buffer.from([4]));
	const { rows } = await pool.query('select value from connections_linkedkey');
	assert.ok(rows.every(({ value }) => value.length > 28));
});

test('creds are written one after the other, the last ones last', async (t) => {
	const { store, pool, row } = await claimed(t);
	const creds = initAuthCreds();

	await Promise.all(
		[1, 2, 3, 4, 5].map((number) => {
			creds.nextPreKeyId = number;
			return store.saveCreds(creds);
		})
	);

	const { rows } = await pool.query('select * from connections_linkedsession');
	const again = await new Store(pool, keyring, row, () => {}).load(rows[0]);
	assert.equal(again.nextPreKeyId, 5);
	assert.deepEqual(again.noiseKey, creds.noiseKey);
});

test('after somebody else has taken the session, nothing is written any more', async (t) => {
	const { store, pool, broken, row } = await claimed(t);
	await store.keysFor(live).set({ session: { 'a.1': Buffer.from([1]) } });
	await pool.query('update connections_linkedsession set lease_until = now()');
	const [taken] = await new Leases(pool, 'second', 'http://second').claim(5);

	for (const write of [
		() => store.keysFor(live).set({ session: { 'a.1': Buffer.from([2]) } }),
		() => store.saveCreds(initAuthCreds()),
		() => store.write({ state: 'open' }),
		() => store.keepSent('w', 'o', Buffer.from('x')),
		() => store.erase()
	]) {
		await assert.rejects(write(), Fenced);
	}

	assert.equal(Number(taken.epoch), Number(row.epoch) + 1);
	assert.equal(broken.length, 5);
	assert.deepEqual(await store.keysFor(live).get('session', ['a.1']), { 'a.1': Buffer.from([1]) });
	const { rows } = await pool.query('select creds, state from connections_linkedsession');
	assert.deepEqual(rows, [{ creds: null, state: 'new' }]);
	assert.equal((await pool.query('select * from connections_linkedsent')).rowCount, 0);
	assert.equal((await pool.query('select * from connections_linkedkey')).rowCount, 1);
});

test('a damaged value is never taken for a missing one', async (t) => {
	const { store, pool, broken } = await claimed(t);
	const keys = store.keysFor(live);
	await keys.set({ session: { 'a.1': Buffer.from([1]), 'b.1': Buffer.from([2]) } });

	await pool.query(
		"update connections_linkedkey set value = (select value from connections_linkedkey where name = 'b.1') where name = 'a.1'"
	);

	await assert.rejects(keys.get('session', ['a.1']), Unreadable);
	assert.ok(broken[0] instanceof Unreadable);
	assert.ok(await keys.get('session', ['b.1']));
});

test('an old socket reads and writes nothing', async (t) => {
	const { store } = await claimed(t);
	const keys = store.keysFor(() => false);

	await assert.rejects(keys.get('session', ['a.1']), Closed);
	await assert.rejects(keys.set({ session: { 'a.1': Buffer.from([1]) } }), Closed);
});

test('keys are waited for until the sockets are closed', () => {
	assert.ok((AWAY.tries - 1) * AWAY.pauseMs > TIMES.fence + TIMES.fenceLook);
});

test('two claimers share the free sessions; none gets one that is held or at rest', async (t) => {
	const { pool } = await database(t);
	const add = (/** @type {string} */ rest) => pool.query(`insert into connections_linkedsession (id, ${rest}`);
	for (let number = 0; number < 20; number++) {
		await add(`link_serial) values ('${randomUUID()}', 1)`);
	}
	for (const state of ['expired', 'replaced', 'logged_out', 'passkey_required', 'banned', 'needs_human']) {
		await add(`state, creds, link_serial, linked_serial) values ('${randomUUID()}', '${state}', 'x', 1, 1)`);
	}
	await add(`link_serial, lease_until) values ('${randomUUID()}', 1, now() + interval '1 minute')`);
	await add(`link_serial, wanted) values ('${randomUUID()}', 1, 'off')`);
	const [first, second] = [new Leases(pool, 'first', 'u'), new Leases(pool, 'second', 'u')];

	const taken = await Promise.all([first.claim(8), second.claim(8), first.claim(8), second.claim(8)]);

	const ids = taken.flat().map(({ id }) => id);
	assert.ok(taken.every((rows) => rows.length <= 8));
	const rest = await first.claim(100);
	assert.equal(new Set([...ids, ...rest.map(({ id }) => id)]).size, 20);
	assert.equal(ids.length + rest.length, 20);
});

test('a renewal says what is still held and what is wanted; a release frees at once', async (t) => {
	const { pool, row } = await claimed(t);
	const leases = new Leases(pool, 'first', 'u');
	const held = new Map([[row.id, row.epoch]]);
	await pool.query("update connections_linkedsession set wanted = 'off', lease_until = now() + interval '1 second'");

	const still = await leases.renew(held);
	const [wish] = await leases.wishes(held);
	const { rows } = await pool.query("select lease_until > now() + interval '10 seconds' as renewed from connections_linkedsession");
	const none = await leases.renew(new Map([[row.id, '99']]));
	await pool.query("update connections_linkedsession set wanted = 'on'");
	await leases.release(held);
	const [again] = await leases.claim(1);

	assert.deepEqual(still, [row.id]);
	assert.equal(wish.wanted, 'off');
	assert.ok(rows[0].renewed);
	assert.deepEqual(none, []);
	assert.equal(again.epoch, '2');
});

test('a user without roles of its own sees and keeps all sessions behind the row walls', async (t) => {
	const { url, pool } = await walledDatabase(t);
	await pool.query('insert into connections_linkedsession (id, link_serial) values ($1, 1)', [randomUUID()]);
	const own = await connect(url);
	t.after(() => own.end());

	const [row] = await new Leases(own, 'first', 'http://first').claim(5);
	const store = new Store(own, keyring, row, () => {});
	await store.begin();
	await store.write({ state: 'open' });

	const { rows } = await pool.query('select owner, state from connections_linkedsession');
	assert.deepEqual(rows, [{ owner: 'first', state: 'open' }]);
	// Less than what the pool waits for.
	assert.deepEqual((await own.query('show statement_timeout')).rows, [{ statement_timeout: '7s' }]);
});
