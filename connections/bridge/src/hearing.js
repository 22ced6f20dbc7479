/** Listens to one socket and tells what happens to messages. */
import { areJidsSameUser, proto, unpadRandomMax16 } from 'baileys';
import { kindOf, log } from './log.js';
import { isIgnored, lidOf, messageEvent, phoneOf, undecryptableEvent, unreadOwnEvent } from './inbound.js';
import { isOneself } from './leniency.js';
import { isSentByUs } from './our_ids.js';
import { listenToStatuses } from './statuses.js';

/**
 * @typedef {import('baileys').WASocket} Socket
 * @typedef {import('./inbound.js').Heard} Heard
 *
 * @typedef {object} Ears
 * @property {string} session
 * @property {import('./events.js').Events} events
 * @property {Record<string, any>} creds
 * @property {import('./reaching.js').Reading} reading what the socket's store of sessions tells of
 * @property {() => boolean} live whether this socket is the session's socket
 * @property {(waId: string) => Promise<string | undefined>} opaqueOf Backroom's id of a message that it sent
 * @property {(lid: string) => Promise<string | null>} phoneFor JID of the phone behind a hidden number, when it is known
 * @property {import('./memory.js').Memory<Recent>} recent
 * @property {import('./memory.js').Memory<string>} lastOf id of the last message of each chat
 *
 * @typedef {object} Recent what is needed to mark a message as read or to quote it
 * @property {import('baileys').WAMessageKey} key
 * @property {string | null} text
 *
 * @typedef {Record<string, any>} Stanza the attributes of a message
 */

/** How long an own message that cannot be read may take to come again; tests make it shorter. */
export const UNREAD = { ownAfterMs: 20_000 };

/** @param {Socket} socket @param {Ears} ears */
export function listen(socket, ears) {
	oneAfterTheOther(socket);
	hearBeforeReceipt(socket, ears);
	listenToStatuses(socket, ears);
	socket.ev.on('messages.upsert', ({ messages, type }) => {
		for (const message of messages) {
			guarded(() => upserted(message, type, ears));
		}
	});
	/** @type {any} */ (socket.ev).on('lid-mapping.update', (/** @type {any} */ mapping) => {
		guarded(() => mapped(mapping, ears));
	});
	socket.ev.on('connection.update', ({ reachoutTimeLock }) => {
		if (reachoutTimeLock?.isActive) {
			guarded(() => {
				const { timeEnforcementEnds: end, enforcementType } = reachoutTimeLock;
				const until = end && end.getTime() > 0 ? end.toISOString() : null;
				limited('reachout', until, enforcementType, ears);
			});
		}
	});
	/** @type {any} */ (socket.ev).on('message-capping.update', (/** @type {any} */ capping) => {
		guarded(() => limited('capping', null, capping?.capping_status ?? capping?.cappingStatus, ears));
	});
}

/**
 * Baileys looks hidden numbers up for all messages at once before it reads them one by one; in a burst
 * the second may overtake the first there. So the next one is handed over when the one before is done.
 *
 * @param {Socket} socket
 */
function oneAfterTheOther(socket) {
	const handlers = socket.ws.listeners('CB:message');
	socket.ws.removeAllListeners('CB:message');
	/** @type {Promise<unknown>} */
	let last = Promise.resolve();
	socket.ws.on('CB:message', (/** @type {unknown} */ stanza) => {
		last = last
			.then(() => Promise.all(handlers.map((handle) => handle(stanza))))
			// The line closed in the midst of it: the message comes again.
			.catch((error) => log('bridge.message.dropped', kindOf(error)));
	});
}

/**
 * Puts each message on the disk as soon as it is read: before the keys that read it are used up
 * (reaching.js), and before WhatsApp gets its receipt. Baileys sends the receipt first and tells of the
 * message later (lib/Socket/messages-recv.js, handleMessage); whoever ends between the two loses it.
 *
 * @param {Socket} socket
 * @param {Ears} ears
 */
function hearBeforeReceipt(socket, ears) {
	/** By what is encrypted in them. @type {WeakMap<Uint8Array, Stanza>} */
	const stanzas = new WeakMap();
	socket.ws.on('CB:message', (/** @type {any} */ { attrs, content }) => {
		for (const { content: body } of Array.isArray(content) ? content : []) {
			if (body instanceof Uint8Array) {
				stanzas.set(body, attrs);
			}
		}
	});
	ears.reading.onRead = (ciphertext, plain) => {
		const attrs = stanzas.get(ciphertext);
		if (attrs) {
			// An error in there would make Baileys refuse the message for good.
			guarded(() => tellMessage(heardOf(attrs, proto.Message.decode(unpadRandomMax16(plain)), ears.creds), ears));
		}
	};
}

/**
 * The same as Baileys makes of a stanza (lib/Utils/decode-wa-message.js, decodeMessageNode), but for one
 * thing: an own message may come without `recipient`. Whom it went to is inside then, in a part that
 * Baileys throws away (`deviceSentMessage.destinationJid`).
 *
 * @param {Stanza} attrs
 * @param {proto.IMessage} read
 * @param {Record<string, any>} creds
 * @returns {Heard}
 */
function heardOf(attrs, read, creds) {
	const fromMe = isOneself(attrs.from, creds);
	const sent = read.deviceSentMessage;
	const alt = fromMe
		? attrs.peer_recipient_pn ?? attrs.peer_recipient_lid ?? attrs.recipient_pn ?? attrs.recipient_lid
		: attrs.sender_pn ?? attrs.sender_lid ?? attrs.participant_pn ?? attrs.participant_lid;
	const chat = fromMe ? attrs.recipient ?? sent?.destinationJid ?? attrs.from : attrs.from;
	return {
		key: { remoteJid: chat, remoteJidAlt: alt, fromMe, id: attrs.id },
		message: sent?.message ?? read,
		sentAt: Number(attrs.t),
		name: attrs.notify,
		isOffline: attrs.offline !== undefined
	};
}

/** What Backroom asked for comes back as a status. @param {import('baileys').WAMessageKey} key */
function isEcho({ fromMe, id }) {
	return fromMe === true && isSentByUs(id);
}

/** @param {Heard} heard @param {Ears} ears */
function tellMessage(heard, ears) {
	if (isEcho(heard.key)) {
		return;
	}
	if (heard.key.fromMe && isOneself(heard.key.remoteJid, ears.creds)) {
		// The device's own business, or notes to oneself.
		return;
	}
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
		unreadable(message, ears);
		return;
	}
	if (!message.message) {
		return;
	}
	// Already told before the receipt, as a rule. "append" is what came while we were away, not history.
	const isOffline = type === 'append';
	tellMessage({ key, message: message.message, sentAt: Number(message.messageTimestamp), name: message.pushName, isOffline }, ears);
}

/** @param {import('baileys').WAMessage} message @param {Ears} ears */
function unreadable({ key, messageTimestamp }, ears) {
	if (isEcho(key)) {
		return;
	}
	if (areJidsSameUser(ears.recent.get(String(key.id))?.key.remoteJid ?? undefined, key.remoteJid ?? undefined)) {
		// It was read, and then its keys could not be kept; or it has come twice.
		return;
	}
	if (!key.fromMe) {
		const event = undecryptableEvent(ears.session, key);
		if (event) {
			ears.events.tell(event);
		}
		return;
	}
	if (isOneself(key.remoteJid, ears.creds)) {
		return;
	}
	const heard = { key, sentAt: Number(messageTimestamp), name: null, isOffline: false };
	// As a rule it comes again in a moment. If not, that the owner wrote matters more than what.
	setTimeout(() => {
		const event = ears.recent.get(String(key.id)) ? null : unreadOwnEvent(ears.session, heard);
		if (event) {
			ears.events.tell(event);
		}
	}, UNREAD.ownAfterMs).unref();
}

/** @param {'reachout' | 'capping'} kind @param {string | null} until @param {unknown} detail @param {Ears} ears */
function limited(kind, until, detail, ears) {
	if (ears.live()) {
		ears.events.tell({ session: ears.session, type: 'limit', kind, until, detail: String(detail ?? '').slice(0, 64) });
	}
}

/** @param {any} mapping one or several pairs of `lid` and `pn` @param {Ears} ears */
function mapped(mapping, ears) {
	for (const { lid, pn } of Array.isArray(mapping) ? mapping : [mapping]) {
		const pair = { lid: lidOf(lid), phone: phoneOf(pn) };
		if (pair.lid && pair.phone && ears.live() && !isIgnored(pair.lid)) {
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
