/**
 * Whom a text is encrypted for: the devices of a chat and of oneself for which there are keys. Baileys
 * gives up on the whole text when the server does not say which devices there are, has no keys for one
 * of them, or knows of no hidden numbers.
 */
import { DEFAULT_CONNECTION_CONFIG, jidDecode, jidEncode, jidNormalizedUser } from 'baileys';
import { Closed } from './store.js';

/**
 * @typedef {import('baileys').WASocket} Socket
 * @typedef {import('./cache.js').Cache} Cache
 */

/** What a step of a Signal session changes. */
const OF_STEPS = new Set(['session', 'pre-key', 'identity-key']);

/**
 * @typedef {object} Reading
 * @property {(ciphertext: Uint8Array, plain: Uint8Array) => void} onRead told of each text before the step of its session is kept; does not throw
 */

/**
 * Baileys' own store of Signal sessions, with four changes.
 *
 * One step of a session after the other, and each written before the next is read. Baileys encrypts
 * inside a transaction that lasts until the text is out (lib/Socket/messages-send.js, relayMessage), and
 * decrypts in another one: who writes while an answer goes out to them makes both begin with the same
 * keys, the later commit takes the other's step back, and their phone cannot read what comes next.
 *
 * What was read is told before the step is kept. The other way round, whoever ended between the two would
 * lose the text: it comes again, but there are no keys for it any more. If the line has closed meanwhile,
 * the step is not kept, and the same keys read it when it comes again.
 *
 * Two more about hidden numbers. Where there is none for
 * a phone number, keys are fetched for the phone number itself: Baileys (lib/Socket/messages-send.js,
 * assertSessions) means to, and fetches none. And a number without one is not asked about for a while:
 * Baileys asks several times for each message, and drops the message when the question fails.
 *
 * @param {Cache} withoutLid
 * @param {import('baileys').SignalKeyStore} keys the store itself, which knows no transactions
 * @param {Reading} reading
 * @returns {typeof DEFAULT_CONNECTION_CONFIG.makeSignalRepository}
 */
export function makeRepository(withoutLid, keys, reading) {
	const held = holdable(keys);
	const direct = { ...held.keys, isInTransaction: () => false, transaction: (/** @type {() => any} */ work) => work() };
	return (auth, logger, ask) => {
		const asked = async (/** @type {string[]} */ phones) => {
			const unknown = phones.filter((phone) => !withoutLid.get(phone));
			const found = (unknown.length > 0 && (await ask?.(unknown).catch(() => undefined))) || [];
			const answered = new Set(found.map(({ pn }) => pn));
			unknown.filter((phone) => !answered.has(phone)).forEach((phone) => withoutLid.set(phone, true));
			return found;
		};
		const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository({ ...auth, keys: direct }, logger, asked);
		const decrypt = repository.decryptMessage.bind(repository);
		repository.decryptMessage = (one) =>
			held.during(async () => {
				const plain = await decrypt(one);
				reading.onRead(one.ciphertext, plain);
				return plain;
			});
		const inTurn = oneByOne();
		// All that write a session.
		for (const name of /** @type {const} */ (['encryptMessage', 'decryptMessage', 'injectE2ESession', 'migrateSession', 'deleteSession'])) {
			const step = /** @type {(...args: any[]) => Promise<any>} */ (repository[name].bind(repository));
			Object.assign(repository, { [name]: (/** @type {any[]} */ ...args) => inTurn(() => step(...args)) });
		}
		const { lidMapping } = repository;
		const find = lidMapping.getLIDsForPNs.bind(lidMapping);
		lidMapping.getLIDForPN = async (phone) => (await find([phone]))?.[0]?.lid ?? null;
		lidMapping.getLIDsForPNs = async (phones) => {
			const found = (await find(phones)) ?? [];
			const mapped = new Set(found.map(({ pn }) => pn));
			return [...found, ...phones.filter((phone) => !mapped.has(phone)).map((pn) => ({ lid: pn, pn }))];
		};
		return repository;
	};
}

/**
 * A store that can hold back what a step of a session changes, until the step is over.
 *
 * @param {import('baileys').SignalKeyStore} keys
 */
function holdable(keys) {
	/** @type {Record<string, Record<string, any>> | null} */
	let held = null;
	const get = async (/** @type {string} */ kind, /** @type {string[]} */ names) => {
		const changed = held?.[kind] ?? {};
		const unchanged = names.filter((name) => !(name in changed));
		const found = /** @type {any} */ (unchanged.length > 0 ? await keys.get(/** @type {any} */ (kind), unchanged) : {});
		for (const name of names) {
			if (changed[name] != null) {
				found[name] = changed[name];
			}
		}
		return found;
	};
	const set = async (/** @type {Record<string, any>} */ changes) => {
		const isOfStep = Object.keys(changes).every((kind) => OF_STEPS.has(kind));
		if (!held || !isOfStep) {
			return keys.set(changes);
		}
		for (const [kind, values] of Object.entries(changes)) {
			held[kind] = { ...held[kind], ...values };
		}
	};
	const keep = async () => {
		try {
			if (held && Object.keys(held).length > 0) {
				await keys.set(held);
			}
		} catch (error) {
			if (!(error instanceof Closed)) {
				throw error;
			}
		}
	};
	/** One at a time. @template T @param {() => Promise<T>} step @returns {Promise<T>} */
	const during = async (step) => {
		held = {};
		try {
			const result = await step();
			await keep();
			return result;
		} finally {
			held = null;
		}
	};
	return { keys: /** @type {import('baileys').SignalKeyStore} */ ({ ...keys, get, set }), during };
}

/** Lets work be done one after the other, whatever becomes of each. @returns {<T>(work: () => Promise<T>) => Promise<T>} */
function oneByOne() {
	/** @type {Promise<unknown>} */
	let last = Promise.resolve();
	return (work) => {
		const done = last.then(work);
		last = done.catch(() => {});
		return done;
	};
}

/**
 * Makes sure that a text to `chat` can be encrypted, and that Baileys encrypts for no device for which
 * it cannot be.
 *
 * @param {Socket} socket
 * @param {{ userDevicesCache: Cache, reachedCache: Cache }} caches
 * @param {string} chat
 * @returns {Promise<boolean>} false: none of the chat's devices can be written to
 */
export async function reach(socket, caches, chat) {
	const { me } = socket.authState.creds;
	const own = jidNormalizedUser(chat.endsWith('@lid') && me?.lid ? me.lid : me?.id);
	const theirs = await reachOne(socket, caches, chat);
	if (theirs > 0 && own !== chat) {
		await reachOne(socket, caches, own);
	}
	return theirs > 0;
}

/** Asks anew for the devices of whom the server says that they have changed. @param {Socket} socket @param {Cache} reachedCache */
export function followDevices(socket, reachedCache) {
	socket.ws.on('CB:notification,type:devices', (/** @type {import('baileys').BinaryNode} */ { attrs: { from, lid } }) => {
		[from, lid].filter(Boolean).forEach((jid) => reachedCache.del(jidNormalizedUser(jid)));
	});
}

/**
 * @param {Socket} socket
 * @param {{ userDevicesCache: Cache, reachedCache: Cache }} caches
 * @param {string} who
 * @returns {Promise<number>} of how many devices there are keys
 */
async function reachOne(socket, { userDevicesCache, reachedCache }, who) {
	const { user, server } = /** @type {{ user: string, server: any }} */ (jidDecode(who));
	const before = reachedCache.get(who) && userDevicesCache.get(user);
	if (before) {
		return before.length;
	}
	const listed = await socket.getUSyncDevices([who], true, false).catch(() => []);
	// Who has WhatsApp has at least a phone.
	const numbers = listed.length > 0 ? [...new Set(listed.map(({ device }) => device ?? 0))] : [0];
	const devices = numbers.map((device) => ({ user, server, device }));
	const jids = devices.map(({ device }) => jidEncode(user, server, device));
	await socket.assertSessions(jids, false).catch(async () => {
		for (const jid of jids) {
			await socket.assertSessions([jid], false).catch(() => undefined);
		}
	});
	const able = await Promise.all(jids.map(async (jid) => (await socket.signalRepository.validateSession(jid)).exists));
	const reached = devices.filter((_, index) => able[index]);
	// Also where it is none: Baileys would ask once more, and give the text up for a device without keys.
	userDevicesCache.set(user, reached);
	// Who cannot be reached now may be in a moment.
	if (reached.length > 0) {
		reachedCache.set(who, true);
	}
	return reached.length;
}
