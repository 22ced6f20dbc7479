import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Curve } from 'baileys';
import { node } from '../../fake_whatsapp/nodes.js';
import { Cache } from '../../src/cache.js';
import { Gate } from '../../src/gate.js';
import { repairSignatures, withSecret } from '../../src/hardening.js';
import { isIgnored, messageEvent } from '../../src/inbound.js';
import { Keyring, open, seal, Unreadable } from '../../src/keyring.js';
import { mend, readLeniently } from '../../src/leniency.js';
import { Line } from '../../src/line.js';
import { waIdOf } from '../../src/our_ids.js';
import { Outbound, readRequest, Refused } from '../../src/outbound.js';
import { followDevices } from '../../src/reaching.js';
import { watchMemory } from '../../src/recycling.js';
import { readSettings, WrongSetting } from '../../src/settings.js';
import { isSigned, sign } from '../../src/signatures.js';
import { folder, KEYS, pause, SECRET } from './support.js';

const ENV = {
	DATABASE_URL: 'postgres://nobody',
	BACKROOM_KEYS: KEYS,
	BRIDGE_SECRET: SECRET,
	BRIDGE_EVENTS_URL: 'http://127.0.0.1/events',
	BRIDGE_FOLDER: '/nowhere'
};

test('what is sealed opens only with its key, in its place, unchanged', () => {
	const key = randomBytes(32);
	const sealed = seal(key, 'a|session|x', Buffer.from('secret'));
	const changed = Buffer.from(sealed);
	changed[14] ^= 1;

	assert.equal(open(key, 'a|session|x', sealed).toString(), 'secret');
	assert.notDeepEqual(seal(key, 'a|session|x', Buffer.from('secret')), sealed);
	assert.throws(() => open(key, 'b|session|x', sealed), Unreadable);
	assert.throws(() => open(randomBytes(32), 'a|session|x', sealed), Unreadable);
	assert.throws(() => open(key, 'a|session|x', changed), Unreadable);
	assert.throws(() => open(key, 'a|session|x', Buffer.alloc(3)), Unreadable);
});

test('the first key wraps, the others still unwrap', () => {
	const old = Keyring.parse(KEYS);
	const both = Keyring.parse(`k2:${randomBytes(32).toString('base64')},${KEYS}`);
	const { dataKey, keyId, wrapped } = old.newDataKey('s|data_key');

	assert.equal(keyId, 'k1');
	assert.deepEqual(both.unwrap('s|data_key', 'k1', wrapped), dataKey);
	assert.equal(both.wrap('s|data_key', dataKey).keyId, 'k2');
	assert.throws(() => old.unwrap('s|data_key', 'k2', wrapped), Unreadable);
	assert.throws(() => old.unwrap('t|data_key', 'k1', wrapped), Unreadable);
	for (const wrong of ['', 'k1', 'k1:abc', `${KEYS},${KEYS}`]) {
		assert.throws(() => Keyring.parse(wrong));
	}
});

test('a signature is for one body, one secret and five minutes', () => {
	const body = Buffer.from('{"a":1}');
	const header = sign(SECRET, body, 1000);

	assert.ok(isSigned(SECRET, body, header, 1300));
	assert.ok(isSigned(SECRET, body, header, 700));
	assert.ok(!isSigned(SECRET, body, header, 1301));
	assert.ok(!isSigned(SECRET, body, header, 699));
	assert.ok(!isSigned(SECRET, Buffer.from('{"a":2}'), header, 1000));
	assert.ok(!isSigned('another secret', body, header, 1000));
	for (const wrong of [undefined, '', 't=1000', header.replace('t=1000', 't=1001'), `${header}0`]) {
		assert.ok(!isSigned(SECRET, body, wrong, 1000));
	}
});

test('a signature of somebody else counts no more', () => {
	repairSignatures();
	const [mine, other] = [Curve.generateKeyPair(), Curve.generateKeyPair()];
	const message = Buffer.from('message');
	const signature = Curve.sign(mine.private, message);

	assert.ok(Curve.verify(mine.public, message, signature));
	assert.ok(Curve.verify(mine.public, message, signature));
	assert.ok(!Curve.verify(other.public, message, signature));
	assert.ok(!Curve.verify(mine.public, Buffer.from('another'), signature));
	assert.ok(!Curve.verify(mine.public, message, Buffer.alloc(64)));
});

test('a server of our own is refused outside of development and tests', () => {
	const own = { LINKED_DEVICE_URL: 'ws://127.0.0.1/ws', LINKED_DEVICE_ROOT_KEY: 'ab'.repeat(32) };

	assert.equal(readSettings({ ...ENV, ...own, BACKROOM_ENV: 'test' }).server?.url, 'ws://127.0.0.1/ws');
	assert.equal(readSettings(ENV).server, null);
	for (const wrong of [
		own,
		{ ...own, BACKROOM_ENV: 'production' },
		{ LINKED_DEVICE_URL: own.LINKED_DEVICE_URL, BACKROOM_ENV: 'test' },
		{ BRIDGE_SECRET: 'short' },
		{ BACKROOM_KEYS: 'k1:short' },
		{ LINKED_DEVICE_VERSION: '2' },
		{ BRIDGE_PORT: 'x' },
		{ BRIDGE_FOLDER: '' }
	]) {
		assert.throws(() => readSettings({ ...ENV, ...wrong }), WrongSetting);
	}
	assert.deepEqual(readSettings({ ...ENV, LINKED_DEVICE_VERSION: '2.3000.5' }).version, [2, 3000, 5]);
});

test('the root key of a server of our own may be written in two ways', () => {
	const key = randomBytes(32);
	const read = (/** @type {string} */ written) =>
		readSettings({ ...ENV, BACKROOM_ENV: 'test', LINKED_DEVICE_URL: 'ws://127.0.0.1/ws', LINKED_DEVICE_ROOT_KEY: written }).server?.rootKey;

	for (const bytes of [key, Buffer.concat([Buffer.from([5]), key])]) {
		assert.deepEqual(read(bytes.toString('hex')), key);
		assert.deepEqual(read(bytes.toString('base64')), key);
	}
	for (const wrong of ['', 'ab', randomBytes(31).toString('hex'), randomBytes(33).fill(6, 0, 1).toString('base64'), `${key.toString('base64')} x`]) {
		assert.throws(() => read(wrong), WrongSetting);
	}
});

test('the address of events stays as it was written, and secrets may come out of files', (t) => {
	const path = join(folder(t), 'secret');
	writeFileSync(path, `${SECRET}\n`);
	const { BRIDGE_SECRET: _, ...rest } = ENV;
	const told = { ...rest, BRIDGE_SECRET_FILE: path, BRIDGE_EVENTS_URL: 'http://127.0.0.1/events/' };

	assert.equal(readSettings(told).secret, SECRET);
	assert.equal(readSettings(told).eventsUrl, 'http://127.0.0.1/events/');
	assert.throws(() => readSettings({ ...rest, BRIDGE_SECRET_FILE: `${path}.gone` }), WrongSetting);
});

test('the same send has the same id in the same session only', () => {
	assert.match(waIdOf('s', 'a'), /^3EB0[0-9A-F]{18}$/);
	assert.equal(waIdOf('s', 'a'), waIdOf('s', 'a'));
	assert.notEqual(waIdOf('s', 'a'), waIdOf('t', 'a'));
	assert.notEqual(waIdOf('s', 'a'), waIdOf('s', 'b'));
});

test('a request that is not as the contract says is refused', () => {
	const right = { opaque: 'a', kind: 'text', chat: '123456@lid', text: 'Hello' };

	assert.equal(readRequest(right).reply_to, null);
	for (const wrong of [
		null,
		[],
		{ ...right, opaque: '' },
		{ ...right, kind: 'image' },
		{ ...right, text: '' },
		{ ...right, text: 5 },
		{ ...right, chat: '123456@g.us' },
		{ ...right, chat: 'status@broadcast' },
		{ ...right, chat: null, phone: '0803' },
		{ ...right, reply_to: {} }
	]) {
		assert.throws(() => readRequest(wrong), Refused);
	}
});

test('more texts than the pace allows are refused, not kept', async () => {
	const session = /** @type {any} */ ({ id: 's', openSocket: () => ({ sendPresenceUpdate: async () => {} }), lastOf: new Map() });
	const outbound = new Outbound(session, { typingMs: 0, textsPerMinute: 1 });
	const text = { opaque: 'a', kind: /** @type {const} */ ('text'), chat: '1@lid', phone: null, text: 'x', reply_to: null, message_id: null };

	outbound.send(text).catch(() => {});

	assert.throws(() => outbound.send({ ...text, opaque: 'b' }), (/** @type {any} */ error) => error.status === 429);
	await outbound.send({ ...text, opaque: 'c', kind: 'typing' });
});

test('a gate lets so many in, the others in their order', async () => {
	const gate = new Gate(2);
	/** @type {number[]} */
	const inside = [];
	const leaves = [];
	for (const number of [1, 2]) {
		leaves.push(await gate.enter());
		inside.push(number);
	}
	const third = gate.enter().then((leave) => (inside.push(3), leave));
	await new Promise(setImmediate);
	assert.deepEqual(inside, [1, 2]);

	leaves[0]();
	leaves[0]();
	await third;

	assert.deepEqual(inside, [1, 2, 3]);
});

test('a line that cannot begin keeps nobody from the gate', async () => {
	const gate = new Gate(1);
	const line = new Line(/** @type {any} */ ({ shared: { gate } }), /** @type {any} */ ({}));

	await assert.rejects(line.dial());

	await gate.enter();
});

test('groups, status updates, broadcasts and newsletters are ignored', () => {
	assert.deepEqual(
		['1-2@g.us', 'status@broadcast', '17@broadcast', '17@newsletter', '17@bot', '0@s.whatsapp.net', 'ada@lid', '12345:3@lid', '12345@s.whatsapp.net', '@s.whatsapp.net'].map(isIgnored),
		[true, true, true, true, true, true, true, false, false, false]
	);
});

test('each content has its kind; what the protocol says to itself is no message', () => {
	const heard = (/** @type {any} */ message) =>
		messageEvent('s', { key: { remoteJid: '55555@lid', id: 'X', fromMe: false }, message, sentAt: 1, name: 'Ada', isOffline: false });

	assert.deepEqual(
		[
			{ conversation: 'a' },
			{ extendedTextMessage: { text: 'b', contextInfo: { stanzaId: 'Q' } } },
			{ imageMessage: { caption: 'c' } },
			{ ephemeralMessage: { message: { conversation: 'd' } } },
			{ audioMessage: {} },
			{ reactionMessage: { text: '👍', key: { id: 'R' } } },
			{ pollCreationMessage: {} }
		].map((message) => {
			const event = heard(message);
			return [event?.kind, event?.text, event?.reply_to];
		}),
		[
			['text', 'a', null],
			['text', 'b', 'Q'],
			['image', 'c', null],
			['text', 'd', null],
			['audio', null, null],
			['reaction', '👍', 'R'],
			['unsupported', null, null]
		]
	);
	assert.equal(heard({ protocolMessage: {} }), null);
	assert.equal(heard(null), null);
});

/** A socket on which stanzas can be heard, and what it said. */
function silentSocket() {
	/** @type {any[]} */
	const said = [];
	const ws = new EventEmitter();
	return { socket: /** @type {any} */ ({ ws, sendNode: async (/** @type {any} */ stanza) => void said.push(stanza) }), ws, said };
}

test('news of linking are found wherever they stand, and only while there is no link', () => {
	const found = (/** @type {any} */ stanza, account = null) => {
		const { socket, ws } = silentSocket();
		/** @type {string[]} */
		const heard = [];
		['companion_reg_refresh', 'passkey_prologue_request', 'crsc_continuation'].forEach((news) => ws.on(`linking:${news}`, () => heard.push(news)));
		readLeniently(socket, { account });
		ws.emit('frame', stanza);
		return heard;
	};

	assert.deepEqual(found(node('ib', {}, [node('passkey_prologue_request')])), ['passkey_prologue_request']);
	assert.deepEqual(found(node('notification', { type: 'md' }, [node('other'), node('passkey_request_options')])), ['passkey_prologue_request']);
	assert.deepEqual(found(node('iq', { xmlns: 'md' }, [node('link', {}, [node('crsc_continuation')])])), ['crsc_continuation']);
	assert.deepEqual(found(node('notification', { type: 'companion_reg_refresh' })), ['companion_reg_refresh']);
	assert.deepEqual(found(node('iq', { xmlns: 'md' }, [node('pair-device', {}, [node('ref', {}, Buffer.from('x'))])])), []);
	assert.deepEqual(found(node('ib', {}, [node('passkey_prologue_request')]), /** @type {any} */ ({})), []);
});

test('a device that was removed knows it by any part of the goodbye', () => {
	const goodbye = node('stream:error', {}, [node('text'), node('conflict', { type: 'device_removed' })]);

	mend(goodbye, {});

	assert.equal(goodbye.attrs.code, '401');
});

test("a server's ping is answered", () => {
	const { socket, ws, said } = silentSocket();
	readLeniently(socket, {});

	ws.emit('CB:iq,xmlns:urn:xmpp:ping', node('iq', { from: '@s.whatsapp.net', id: 'p', type: 'get', xmlns: 'urn:xmpp:ping' }));

	assert.deepEqual(said, [{ tag: 'iq', attrs: { id: 'p', to: '@s.whatsapp.net', type: 'result' } }]);
});

test('whose devices have changed is asked for them anew', () => {
	const { socket, ws } = silentSocket();
	const reached = new Cache(9, 9999);
	['12345@lid', '23456@s.whatsapp.net', '34567@lid'].forEach((who) => reached.set(who, true));
	followDevices(socket, reached);

	ws.emit('CB:notification,type:devices', node('notification', { from: '23456@s.whatsapp.net', lid: '12345:0@lid' }));

	assert.deepEqual(['12345@lid', '23456@s.whatsapp.net', '34567@lid'].map((who) => reached.get(who)), [undefined, undefined, true]);
});

test('only the secret inside a QR changes', () => {
	assert.equal(withSecret('2@ref,noise,identity,OLD,1', 'OLD', 'NEW'), '2@ref,noise,identity,NEW,1');
});

test('a process that is a day old hands over, one that is younger or may get older does not', async (t) => {
	/** @param {number} hours @param {number} maxAgeHours */
	const saidAt = async (hours, maxAgeHours) => {
		/** @type {string[]} */
		const said = [];
		const stop = watchMemory({ maxRssMb: 900, minAgeSeconds: 600, maxAgeHours }, (why) => said.push(why), {
			rssMb: () => 200,
			ageSeconds: () => hours * 3600,
			lookMs: 1,
			chance: 0.5
		});
		t.after(stop);
		await pause(20);
		return said;
	};

	assert.deepEqual(await saidAt(25.3, 24), ['age']);
	assert.deepEqual(await saidAt(25.1, 24), []);
	assert.deepEqual(await saidAt(9999, 0), []);
});
