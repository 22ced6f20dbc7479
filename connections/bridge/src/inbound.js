/** From WhatsApp's messages to events of the contract. Pure: what is known, nothing asked. */
import { getContentType, jidDecode, jidNormalizedUser, normalizeMessageContent, proto } from 'baileys';

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

/** Groups, status updates, broadcasts and newsletters are none of our business. @param {string} jid */
export function isIgnored(jid) {
	return !/@(s\.whatsapp\.net|lid|hosted|hosted\.lid)$/.test(jid);
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

/** Whose chat it is. @param {Key} key */
export function sides(key) {
	const chat = jidNormalizedUser(key.remoteJid ?? undefined);
	return {
		chat,
		lid: lidOf(chat) ?? lidOf(key.remoteJidAlt),
		phone: phoneOf(chat) ?? phoneOf(key.remoteJidAlt)
	};
}

/**
 * @param {string} session
 * @param {Heard} heard
 * @returns {import('./events.js').News | null} null when there is nothing to tell
 */
export function messageEvent(session, heard) {
	const { key } = heard;
	const content = normalizeMessageContent(heard.message ?? undefined);
	const field = content && getContentType(content);
	if (!key.id || !key.remoteJid || isIgnored(key.remoteJid) || !content || !field || SILENT.has(field)) {
		return null;
	}
	const about = sides(key);
	const body = /** @type {any} */ (content)[field];
	const isOwn = key.fromMe === true;
	return {
		id: `${isOwn ? 'o' : 'm'}:${session}:${about.chat}:${key.id}`,
		session,
		type: isOwn ? 'own_message' : 'message',
		wa_id: key.id,
		...about,
		// On one's own message it is one's own name.
		name: isOwn ? null : heard.name || null,
		kind: KINDS[field] ?? 'unsupported',
		text: textOf(field, body),
		reply_to: field === 'reactionMessage' ? body.key?.id ?? null : body?.contextInfo?.stanzaId ?? null,
		sent_at: new Date((heard.sentAt || Date.now() / 1000) * 1000).toISOString(),
		is_offline: heard.isOffline
	};
}

/** @param {string} session @param {Key} key @returns {import('./events.js').News | null} */
export function undecryptableEvent(session, key) {
	if (!key.id || !key.remoteJid || isIgnored(key.remoteJid) || key.fromMe) {
		return null;
	}
	const about = sides(key);
	return { id: `u:${session}:${about.chat}:${key.id}`, session, type: 'undecryptable', wa_id: key.id, ...about };
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
	return typeof text === 'string' && text !== '' ? text.slice(0, LONGEST_TEXT) : null;
}

/** The contract's word for a status of Baileys, null for one that says nothing new. @param {number | null | undefined} status */
export function statusWord(status) {
	const { ERROR, SERVER_ACK, DELIVERY_ACK, READ, PLAYED } = proto.WebMessageInfo.Status;
	return (
		{ [ERROR]: 'failed', [SERVER_ACK]: 'sent', [DELIVERY_ACK]: 'delivered', [READ]: 'read', [PLAYED]: 'read' }[
			status ?? -1
		] ?? null
	);
}
