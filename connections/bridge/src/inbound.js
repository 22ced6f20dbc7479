/** From WhatsApp's messages to events of the contract. Pure: what is known, nothing asked. */
import { getContentType, jidDecode, normalizeMessageContent } from 'baileys';

/**
 * @typedef {import('baileys').WAMessageKey} Key
 * @typedef {import('baileys').proto.IMessage} Content
 *
 * @typedef {object} Heard a message as it came, before it is an event
 * @property {Key} key
 * @property {Content | null | undefined} message
 * @property {number} sentAt unix seconds
 * @property {string | null | undefined} name
 * @property {boolean} isOffline
 */

const LONGEST_TEXT = 65_536;
export const LONGEST_NAME = 200;
/** Seconds: when there was no WhatsApp yet; and how far a phone's clock may be ahead. */
const FIRST = Date.UTC(2009, 0) / 1000;
const AHEAD = 86_400;

/** Content of the protocol's field: how the contract calls it. @type {Record<string, string>} */
const KINDS = {
	conversation: 'text',
	extendedTextMessage: 'text',
	imageMessage: 'image',
	audioMessage: 'audio',
	videoMessage: 'video',
	ptvMessage: 'video',
	documentMessage: 'document',
	stickerMessage: 'sticker',
	locationMessage: 'location',
	liveLocationMessage: 'location',
	contactMessage: 'contact',
	contactsArrayMessage: 'contact',
	reactionMessage: 'reaction'
};

/** Fields that are the protocol's own business, and no message of anybody. */
const SILENT = new Set([
	'protocolMessage',
	'senderKeyDistributionMessage',
	'messageContextInfo',
	'keepInChatMessage',
	'pinInChatMessage',
	'encReactionMessage',
	'pollUpdateMessage',
	'editedMessage'
]);

/**
 * Groups, status updates, broadcasts and newsletters are none of our business, nor is anybody whose
 * address is not a number's. The server itself is no chat.
 *
 * @param {string} jid
 */
export function isIgnored(jid) {
	return jid !== '@s.whatsapp.net' && !/^\d{5,20}(_\d{1,3})?(:\d{1,5})?@(s\.whatsapp\.net|lid|hosted|hosted\.lid)$/.test(jid);
}

/** @param {string | null | undefined} jid @returns {string | null} E.164 */
export function phoneOf(jid) {
	const decoded = jid ? jidDecode(jid) : undefined;
	return decoded && (decoded.server === 's.whatsapp.net' || decoded.server === 'hosted') ? `+${decoded.user}` : null;
}

/** @param {string | null | undefined} jid @returns {string | null} the hidden number's JID without a device */
export function lidOf(jid) {
	const decoded = jid ? jidDecode(jid) : undefined;
	return decoded && (decoded.server === 'lid' || decoded.server === 'hosted.lid') ? `${decoded.user}@lid` : null;
}

/** Whose chat it is, and where to answer: without a device, and never at the place of a hosted one. @param {Key} key */
export function sides(key) {
	const { remoteJid, remoteJidAlt } = key;
	const [hidden, phone] = [lidOf(remoteJid), phoneOf(remoteJid)];
	return {
		chat: hidden ?? (phone ? `${phone.slice(1)}@s.whatsapp.net` : ''),
		lid: hidden ?? lidOf(known(remoteJidAlt)),
		phone: phone ?? phoneOf(known(remoteJidAlt))
	};
}

/** @param {string | null | undefined} jid */
function known(jid) {
	return jid && /^\d/.test(jid) && !isIgnored(jid) ? jid : undefined;
}

/**
 * @param {string} session
 * @param {Heard} heard
 * @returns {import('./events.js').News | null} null when there is nothing to tell
 */
export function messageEvent(session, heard) {
	const content = normalizeMessageContent(heard.message ?? undefined);
	const field = content && getContentType(content);
	if (!content || !field || SILENT.has(field)) {
		return null;
	}
	const body = /** @type {any} */ (content)[field];
	const replyTo = field === 'reactionMessage' ? body.key?.id : body?.contextInfo?.stanzaId;
	return eventOf(session, heard, KINDS[field] ?? 'unsupported', textOf(field, body), shown(replyTo, LONGEST_NAME));
}

/**
 * The owner wrote something that this device could not read.
 *
 * @param {string} session
 * @param {Omit<Heard, 'message'>} heard
 * @returns {import('./events.js').News | null}
 */
export function unreadOwnEvent(session, heard) {
	return eventOf(session, heard, 'unsupported', null, null);
}

/**
 * @param {string} session
 * @param {Omit<Heard, 'message'>} heard
 * @param {string} kind
 * @param {string | null} text
 * @param {string | null} replyTo
 */
function eventOf(session, { key, name, sentAt, isOffline }, kind, text, replyTo) {
	const about = sidesOfChat(key);
	if (!about || !key.id) {
		return null;
	}
	const isOwn = key.fromMe === true;
	return {
		id: `${isOwn ? 'o' : 'm'}:${session}:${about.chat}:${key.id}`,
		session,
		type: isOwn ? 'own_message' : 'message',
		wa_id: key.id,
		...about,
		// On one's own message it is one's own name.
		name: isOwn ? null : shown(name, LONGEST_NAME),
		kind,
		text,
		reply_to: replyTo,
		sent_at: momentOf(sentAt),
		is_offline: isOffline
	};
}

/** @param {string} session @param {Key} key @returns {import('./events.js').News | null} */
export function undecryptableEvent(session, key) {
	const about = sidesOfChat(key);
	if (!about || !key.id || key.fromMe) {
		return null;
	}
	return { id: `u:${session}:${about.chat}:${key.id}`, session, type: 'undecryptable', wa_id: key.id, ...about };
}

/** Null where it is no chat of ours. @param {Key} key */
function sidesOfChat(key) {
	const about = key.remoteJid && !isIgnored(key.remoteJid) ? sides(key) : null;
	return about?.lid || about?.phone ? about : null;
}

/** @param {number} seconds as somebody's phone says */
function momentOf(seconds) {
	const now = Date.now() / 1000;
	return new Date((seconds > FIRST && seconds < now + AHEAD ? seconds : now) * 1000).toISOString();
}

/**
 * What people write, as text that any other program can read: half a character is none.
 *
 * @param {unknown} text
 * @param {number} longest
 */
export function shown(text, longest) {
	return typeof text === 'string' && text !== '' ? /** @type {any} */ (text.slice(0, longest)).toWellFormed() : null;
}

/** @param {string} field @param {any} body @returns {string | null} */
function textOf(field, body) {
	const text = {
		conversation: body,
		extendedTextMessage: body?.text,
		imageMessage: body?.caption,
		videoMessage: body?.caption,
		documentMessage: body?.caption ?? body?.fileName,
		reactionMessage: body?.text,
		contactMessage: body?.displayName,
		locationMessage: body?.name ?? body?.address
	}[field];
	return shown(text, LONGEST_TEXT);
}
