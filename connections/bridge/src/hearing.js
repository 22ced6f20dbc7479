/** Listens to one socket and tells what happens to messages. */
import { areJidsSameUser, proto } from 'baileys';
import { kindOf, log } from './log.js';
import { isIgnored, lidOf, messageEvent, phoneOf, statusWord, undecryptableEvent } from './inbound.js';

/**
 * @typedef {import('baileys').WASocket} Socket
 * @typedef {import('./inbound.js').Heard} Heard
 *
 * @typedef {object} Ears
 * @property {string} session
 * @property {import('./events.js').Events} events
 * @property {Record<string, any>} creds
 * @property {() => boolean} live whether this socket is the session's socket
 * @property {(waId: string) => Promise<string | undefined>} opaqueOf Backroom's id of a message that it sent
 * @property {(lid: string) => Promise<string | null>} phoneFor JID of the phone behind a hidden number, when it is known
 * @property {import('./memory.js').Memory<Recent>} recent
 * @property {import('./memory.js').Memory<string>} lastOf id of the last message of each chat
 *
 * @typedef {object} Recent what is needed to mark a message as read or to quote it
 * @property {import('baileys').WAMessageKey} key
 * @property {string | null} text
 */

const REMEMBERED_STANZAS = 2000;

/** @param {Socket} socket @param {Ears} ears */
export function listen(socket, ears) {
	hearBeforeReceipt(socket, ears);
	socket.ev.on('messages.upsert', ({ messages, type }) => {
		for (const message of messages) {
			guarded(() => upserted(message, type, ears));
		}
	});
	socket.ev.on('messages.update', (updates) => {
		for (const { key, update } of updates) {
			guarded(() => statusChanged(key, update, ears));
		}
	});
	socket.ws.on('CB:ack,class:message', (/** @type {any} */ { attrs }) => {
		void tellStatus(attrs.id, attrs.error ? 'failed' : 'sent', attrs.error ? Number(attrs.error) : null, ears);
	});
	/** @type {any} */ (socket.ev).on('lid-mapping.update', (/** @type {any} */ mapping) => {
		guarded(() => mapped(mapping, ears));
	});
	socket.ev.on('connection.update', ({ reachoutTimeLock }) => {
		if (reachoutTimeLock?.isActive && ears.live()) {
			const { timeEnforcementEnds: end, enforcementType } = reachoutTimeLock;
			const until = end ? new Date(end).toISOString() : null;
			ears.events.tell({ session: ears.session, type: 'limit', kind: 'reachout', until, detail: String(enforcementType ?? '') });
		}
	});
	/** @type {any} */ (socket.ev).on('message-capping.update', (/** @type {any} */ capping) => {
		if (ears.live()) {
			const detail = String(capping?.capping_status ?? capping?.cappingStatus ?? '');
			ears.events.tell({ session: ears.session, type: 'limit', kind: 'capping', until: null, detail });
		}
	});
}

/**
 * Puts each message on the disk before WhatsApp gets its receipt. Baileys sends the receipt first
 * and tells of the message later (lib/Socket/messages-recv.js, handleMessage); whoever ends between
 * the two loses it. The only synchronous step between decryption and receipt is
 * `messageRetryManager.addRecentMessage`. An error in there would make Baileys refuse the message
 * for good, so nothing may be thrown.
 *
 * @param {Socket} socket
 * @param {Ears} ears
 */
function hearBeforeReceipt(socket, ears) {
	const manager = /** @type {any} */ (socket).messageRetryManager;
	/** @type {Map<string, any>} */
	const stanzas = new Map();
	socket.ws.on('CB:message', (/** @type {any} */ { attrs }) => {
		stanzas.set(attrs.id, attrs);
		if (stanzas.size > REMEMBERED_STANZAS) {
			stanzas.delete(/** @type {string} */ (stanzas.keys().next().value));
		}
	});
	if (!manager) {
		log('bridge.receipts.unguarded', { session: ears.session });
		return;
	}
	const remember = manager.addRecentMessage.bind(manager);
	manager.addRecentMessage = (/** @type {string} */ to, /** @type {string} */ id, /** @type {any} */ message) => {
		// What we send ourselves comes by here too, and has no stanza.
		const attrs = stanzas.get(id);
		if (attrs) {
			stanzas.delete(id);
			guarded(() => tellMessage(heardOf(attrs, to, message, ears.creds), ears));
		}
		try {
			remember(to, id, message);
		} catch (error) {
			log('bridge.library.broken', { session: ears.session, ...kindOf(error) });
		}
	};
}

/**
 * The same as Baileys makes of a stanza (lib/Utils/decode-wa-message.js, decodeMessageNode).
 *
 * @param {any} attrs
 * @param {string} chat
 * @param {any} message
 * @param {Record<string, any>} creds
 * @returns {Heard}
 */
function heardOf(attrs, chat, message, creds) {
	const { me } = creds;
	const fromMe = areJidsSameUser(attrs.from, me?.id) || areJidsSameUser(attrs.from, me?.lid);
	const alt = fromMe
		? attrs.peer_recipient_pn ?? attrs.peer_recipient_lid ?? attrs.recipient_pn ?? attrs.recipient_lid
		: attrs.sender_pn ?? attrs.sender_lid ?? attrs.participant_pn ?? attrs.participant_lid;
	return {
		key: { remoteJid: chat, remoteJidAlt: alt, fromMe, id: attrs.id },
		message,
		sentAt: Number(attrs.t),
		name: attrs.notify,
		isOffline: attrs.offline !== undefined
	};
}

/** @param {Heard} heard @param {Ears} ears */
function tellMessage(heard, ears) {
	const event = messageEvent(ears.session, heard);
	if (!event) {
		return;
	}
	ears.events.tell(event, true);
	if (event.kind !== 'reaction') {
		ears.recent.set(event.wa_id, { key: heard.key, text: event.text });
	}
	if (event.type === 'message') {
		ears.lastOf.set(event.chat, event.wa_id);
	}
	if (event.lid && !event.phone) {
		// The stanza did not say it, an earlier one may have.
		ears.phoneFor(event.lid).then(
			(pn) => pn && mapped({ lid: event.lid, pn }, ears),
			(error) => log('bridge.mapping.failed', { session: ears.session, ...kindOf(error) })
		);
	}
}

/** @param {import('baileys').WAMessage} message @param {string} type @param {Ears} ears */
function upserted(message, type, ears) {
	const { key } = message;
	if (message.messageStubType === proto.WebMessageInfo.StubType.CIPHERTEXT) {
		const event = undecryptableEvent(ears.session, key);
		if (event) {
			ears.events.tell(event);
		}
		return;
	}
	// A fast receipt or refusal is folded into the upsert of our own message, and comes no other way.
	statusChanged(key, message, ears);
	if (!message.message || (key.fromMe && isSentByUs(String(key.id)))) {
		return;
	}
	// Already told before the receipt, as a rule. "append" is what came while we were away, not history.
	const isOffline = type === 'append';
	tellMessage({ key, message: message.message, sentAt: Number(message.messageTimestamp), name: message.pushName, isOffline }, ears);
}

/** Our own ids, see outbound.js. @param {string} waId */
function isSentByUs(waId) {
	return /^3EB0B4C4[0-9A-F]{14}$/.test(waId);
}

/** @param {import('baileys').WAMessageKey} key @param {{ status?: any, messageStubParameters?: any }} update @param {Ears} ears */
function statusChanged(key, { status, messageStubParameters }, ears) {
	const word = key.fromMe && key.id && key.remoteJid && !isIgnored(key.remoteJid) ? statusWord(status) : null;
	if (word) {
		void tellStatus(String(key.id), word, word === 'failed' ? Number(messageStubParameters?.[0]) || null : null, ears);
	}
}

/** @param {string} waId @param {string} status @param {number | null} code @param {Ears} ears */
async function tellStatus(waId, status, code, ears) {
	if (!isSentByUs(waId)) {
		return;
	}
	try {
		const opaque = await ears.opaqueOf(waId);
		if (opaque !== undefined) {
			const id = `s:${ears.session}:${waId}:${status}`;
			ears.events.tell({ id, session: ears.session, type: 'status', wa_id: waId, opaque, status, code });
		}
	} catch (error) {
		log('bridge.status.lost', { session: ears.session, ...kindOf(error) });
	}
}

/** @param {any} mapping one or several pairs of `lid` and `pn` @param {Ears} ears */
function mapped(mapping, ears) {
	for (const { lid, pn } of Array.isArray(mapping) ? mapping : [mapping]) {
		const pair = { lid: lidOf(lid), phone: phoneOf(pn) };
		if (pair.lid && pair.phone && ears.live()) {
			ears.events.tell({ id: `l:${ears.session}:${pair.lid}:${pair.phone}`, session: ears.session, type: 'lid_mapping', ...pair });
		}
	}
}

/** @param {() => void} run */
function guarded(run) {
	try {
		run();
	} catch (error) {
		log('bridge.hearing.failed', kindOf(error));
	}
}

