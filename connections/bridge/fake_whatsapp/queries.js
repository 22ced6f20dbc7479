/** Answers to the questions (`iq`) of clients. */
import { randomBytes } from 'node:crypto';
import { CodePairing } from './pairing.js';
import { bundleNode, readPreKeys, readSignedPreKey } from './key_bundles.js';
import { bytes, child, children, node, number, PHONES, refusal, result } from './nodes.js';
import { limitsOf } from './limits.js';
import { Account } from './people.js';

/**
 * @typedef {import('./nodes.js').Node} Node
 * @typedef {import('./connection.js').Connection} Connection
 * @typedef {import('./people.js').Directory} Directory
 * @typedef {NonNullable<Connection['login']>} Login
 * @typedef {object} Context
 * @property {Directory} people
 * @property {(login: Login) => void} becameActive the device wants what it missed
 * @property {(account: Account, device: number) => void} deviceLeaves the device logs itself out
 * @property {string} mediaHost
 * @property {boolean} refusesCodes
 * @property {import('./quirks.js').Quirks} quirks
 *
 * @typedef {(query: Node, connection: Connection, context: Context) => Node | undefined} Answer
 */

/** What only a logged-in device may ask. @param {Connection} connection @returns {Login} */
function login(connection) {
	if (!connection.login) {
		throw new Error('This question needs a login');
	}
	return connection.login;
}

/** By `xmlns` and the tag of the first child. @type {Record<string, Answer>} */
const ANSWERS = {
	'w:p ping': (query) => result(query),
	'passive active': (query, connection, { becameActive }) => {
		connection.send(result(query));
		becameActive(login(connection));
		return undefined;
	},
	'encrypt count': (query, connection, { quirks }) => {
		const left = login(connection).device.preKeys.length;
		return result(query, [node('count', { value: Math.max(left, quirks.hasFewKeys ? 1 : 0) })]);
	},
	'encrypt digest': (query, connection) =>
		result(query, [node('digest', {}, [node('identity', {}, login(connection).device.identity)])]),
	'encrypt registration': uploadKeys,
	'encrypt rotate': (query, connection) => {
		const signed = readSignedPreKey(child(query, 'rotate'));
		if (!signed) {
			return refusal(query, 400, 'bad-request');
		}
		login(connection).device.signedPreKey = signed;
		return result(query);
	},
	'encrypt key': giveKeys,
	'usync usync': listPeople,
	'abt props': (query) => result(query, [node('props', { protocol: 1, hash: 'fake' })]),
	'blocklist ': (query) => result(query, [node('list')]),
	'privacy privacy': (query) =>
		result(query, [
			node('privacy', {}, [
				node('category', { name: 'readreceipts', value: 'all' }),
				node('category', { name: 'last', value: 'all' }),
				node('category', { name: 'online', value: 'all' }),
				node('category', { name: 'profile', value: 'all' })
			])
		]),
	'privacy tokens': (query) => result(query),
	'w:m media_conn': (query, _, { mediaHost }) =>
		result(query, [
			node('media_conn', { auth: randomBytes(16).toString('base64url'), ttl: 3600 }, [
				node('host', { hostname: mediaHost, maxContentLengthBytes: 100_000_000 })
			])
		]),
	'w:mex query': (query, connection) =>
		result(query, [node('result', {}, Buffer.from(JSON.stringify({ data: limitsOf(login(connection).account) })))]),
	'w:sync:app:state sync': (query, _, { quirks }) => {
		const asked = children(child(query, 'sync'));
		const named = asked.map(({ attrs }) => node('collection', { name: attrs.name, version: 0 }));
		return result(query, quirks.namesAppState ? [node('sync', {}, named)] : []);
	},
	'w:profile:picture picture': (query) => refusal(query, 404, 'item-not-found'),
	'md remove-companion-device': (query, connection, { deviceLeaves }) => {
		const { account, device } = login(connection);
		connection.send(result(query));
		deviceLeaves(account, device.number);
		return undefined;
	},
	'md link_code_companion_reg': pairByCode
};

/**
 * @param {Connection} connection
 * @param {Node} query
 * @param {Context} context
 */
export function answer(connection, query, context) {
	const { xmlns = '', type } = query.attrs;
	if (type !== 'get' && type !== 'set') {
		return;
	}
	const question = `${xmlns} ${children(query)[0]?.tag ?? ''}`;
	const known = ANSWERS[question];
	const isQuiet = context.quirks.unanswered.includes(question);
	// What was asked for is done in any case.
	const answering = isQuiet ? Object.create(connection, { send: { value: () => {} } }) : connection;
	// An empty result keeps a client content that asks something which does not matter here.
	const reply = known ? known(query, answering, context) : result(query);
	if (reply) {
		answering.send(reply);
	}
}

/** @type {Answer} */
function uploadKeys(query, connection) {
	const { device } = login(connection);
	const signed = readSignedPreKey(query);
	if (!signed || !bytes(query, 'identity').equals(device.identity)) {
		return refusal(query, 406, 'not-acceptable');
	}
	device.signedPreKey = signed;
	device.registrationId = number(bytes(query, 'registration'));
	const fresh = readPreKeys(child(query, 'list'));
	const ids = new Set(fresh.map(({ id }) => id));
	device.preKeys = [...device.preKeys.filter(({ id }) => !ids.has(id)), ...fresh];
	return result(query);
}

/** @type {Answer} */
function giveKeys(query, connection, { people, quirks }) {
	const users = children(child(query, 'key')).map(({ attrs: { jid } }) => {
		const found = people.find(jid);
		const device = found?.who instanceof Account ? found.who.devices.get(found.device) : undefined;
		const isOwnPhone = found?.who === connection.login?.account && found?.device === 0;
		if (found && found.device === 0 && (quirks.hasPhoneKeys || !isOwnPhone)) {
			return bundleNode(jid, found.who.party.bundle());
		}
		if (device && found?.who instanceof Account) {
			return bundleNode(jid, found.who.deviceBundle(device));
		}
		return node('user', { jid }, [node('error', { code: 404, text: 'item-not-found' })]);
	});
	return result(query, [node('list', {}, users)]);
}

/** Who has WhatsApp, with which hidden number, on which devices. @type {Answer} */
function listPeople(query, connection, { people, quirks }) {
	const asker = quirks.listsAsker ? undefined : connection.login?.device;
	const usync = child(query, 'usync');
	const wanted = children(child(usync, 'query')).map((one) => one.tag);
	const users = children(child(usync, 'list')).map((user) => {
		const phone = String(child(user, 'contact')?.content ?? '').replace(/\D/g, '');
		const asked = user.attrs.jid ?? `${phone}@${PHONES}`;
		const found = people.find(asked);
		/** @type {Record<string, Node | false | undefined>} */
		const facts = {
			contact: node('contact', { type: found ? 'in' : 'out' }),
			lid: quirks.hasLids && found?.by === 'phone' && node('lid', { val: found.who.jid('lid') }),
			devices: found && devicesNode(found.who, asker),
			status: found && node('status')
		};
		const said = wanted.map((tag) => facts[tag]).filter((one) => one !== undefined && one !== false);
		return node('user', { jid: asked }, /** @type {Node[]} */ (said));
	});
	return result(query, [node('usync', usync?.attrs, [node('result'), node('list', {}, users)])]);
}

/** @param {Account | import('./people.js').Customer} who @param {Login['device']} [without] */
function devicesNode(who, without) {
	const linked = who instanceof Account ? [...who.devices.values()].filter((device) => device !== without) : [];
	return node('devices', {}, [
		node('device-list', {}, [
			node('device', { id: 0 }),
			...linked.map((device) => node('device', { id: device.number, 'key-index': device.keyIndex }))
		])
	]);
}

/** @type {Answer} */
function pairByCode(query, connection, { refusesCodes }) {
	const { registration } = connection;
	const reg = child(query, 'link_code_companion_reg');
	if (!registration || !reg) {
		return refusal(query, 400, 'bad-request');
	}
	if (reg.attrs.stage === 'companion_hello') {
		if (refusesCodes) {
			return refusal(query, 429, 'rate-overlimit');
		}
		const phone = reg.attrs.jid.split('@')[0];
		registration.pairing = new CodePairing(
			registration,
			phone,
			bytes(reg, 'link_code_pairing_wrapped_companion_ephemeral_pub')
		);
		const ref = node('link_code_pairing_ref', {}, registration.pairing.ref);
		return result(query, [node('link_code_companion_reg', { stage: 'companion_hello' }, [ref])]);
	}
	connection.send(result(query));
	registration.pairing?.finish(reg);
	return undefined;
}
