/** Makes the library's socket for a session, mends it, and listens to it. */
import { Browsers, jidNormalizedUser, makeWASocket, proto } from 'baileys';
import { endStuckUpgrades, LIBRARY_VERSION, surviveBadFrames } from './hardening.js';
import { listen } from './hearing.js';
import { isIgnored } from './inbound.js';
import { readLeniently } from './leniency.js';
import { kindOf, libraryLog, log } from './log.js';
import { followDevices, makeRepository, reach } from './reaching.js';

/** @typedef {import('./session.js').Session} Session */

/** Milliseconds; tests make them shorter. */
export const QUESTIONS = { answerMs: 10_000 };
/** The longest that a timer can be set to. */
const NEVER_MS = 2 ** 31 - 1;

/**
 * @param {Session} session
 * @param {any} creds
 * @param {() => boolean} live whether the socket is still the session's
 */
export function makeSocket(session, creds, live) {
	const { server, version, qrMs } = session.shared.settings;
	const keys = /** @type {any} */ (session.store.keysFor(live));
	// As if it had been here before: Baileys neither waits for the past before it tells what is new, nor
	// asks for the app state then (store.js).
	creds.accountSyncCounter ||= 1;
	const reading = { onRead: () => {} };
	const socket = makeWASocket({
		auth: { creds, keys },
		logger: libraryLog,
		version: version ?? LIBRARY_VERSION,
		...(server ? { waWebSocketUrl: server.url } : {}),
		// WhatsApp gives pairing codes only to names that it knows (Baileys#1266).
		browser: Browsers.ubuntu('Chrome'),
		// lifeline.js asks for signs of life.
		keepAliveIntervalMs: NEVER_MS,
		// A server that leaves a question open must not hold up what comes after it.
		defaultQueryTimeoutMs: QUESTIONS.answerMs,
		...(qrMs ? { qrTimeout: qrMs } : {}),
		// The owner's phone goes on ringing.
		markOnlineOnConnect: false,
		syncFullHistory: false,
		shouldIgnoreJid: isIgnored,
		generateHighQualityLinkPreview: false,
		transactionOpts: { maxCommitRetries: 10, delayBetweenTriesMs: 1000 },
		getMessage: (key) => sentBefore(session, socket, key),
		makeSignalRepository: makeRepository(session.memories.withoutLid, keys, reading),
		...session.caches
	});
	endStuckUpgrades(socket);
	surviveBadFrames(socket);
	readLeniently(socket, creds);
	followDevices(socket, session.memories.reachedCache);
	listen(socket, earsOf(session, socket, creds, live, reading));
	return socket;
}

/**
 * @param {Session} session
 * @param {import('baileys').WASocket} socket
 * @param {any} creds
 * @param {() => boolean} live
 * @param {import('./reaching.js').Reading} reading
 * @returns {import('./hearing.js').Ears}
 */
function earsOf(session, socket, creds, live, reading) {
	return {
		session: session.id,
		events: session.shared.events,
		creds,
		reading,
		live,
		recent: session.recent,
		lastOf: session.lastOf,
		opaqueOf: async (waId) => session.opaques.get(waId) ?? (await session.store.sent(waId))?.opaque,
		phoneFor: (lid) => socket.signalRepository.lidMapping.getPNForLID(lid)
	};
}

/**
 * For a customer's phone that could not read it. An empty message would be worse than none.
 *
 * @param {Session} session
 * @param {import('baileys').WASocket} socket
 * @param {import('baileys').WAMessageKey} key
 */
async function sentBefore(session, socket, { id, remoteJid }) {
	try {
		const message = (await session.store.sent(String(id)))?.message;
		if (!message) {
			return undefined;
		}
		// Baileys gives it up where the server does not say which devices there are.
		await reach(socket, { ...session.caches, ...session.memories }, jidNormalizedUser(remoteJid ?? undefined));
		return proto.Message.decode(message);
	} catch (error) {
		log('bridge.sent.unreadable', { session: session.id, ...kindOf(error) });
		return undefined;
	}
}
