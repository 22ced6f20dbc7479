/**
 * What a server may say in another form than the one that Baileys listens to, put into that form.
 * `frame` is told before anything else of a stanza, so a stanza is changed in place here.
 */
import { areJidsSameUser } from 'baileys';
import { isSentByUs } from './our_ids.js';

/** @typedef {import('baileys').BinaryNode} Node */

const SERVER = '@s.whatsapp.net';
/** What matters while a device is being linked, by a tag or a type. */
const NEWS_OF_LINKING = new Map([
	['companion_reg_refresh', 'companion_reg_refresh'],
	['passkey_prologue_request', 'passkey_prologue_request'],
	['passkey_request_options', 'passkey_prologue_request'],
	['crsc_continuation', 'crsc_continuation']
]);

/** @param {import('baileys').WASocket} socket @param {any} creds */
export function readLeniently(socket, creds) {
	socket.ws.on('frame', (/** @type {any} */ frame) => {
		if (typeof frame?.tag === 'string') {
			frame.attrs ??= {};
			mend(frame, creds);
			const news = creds.account ? undefined : newsOfLinking(frame);
			if (news) {
				socket.ws.emit(`linking:${news}`, frame);
			}
		}
	});
	// A line on which they are not answered may be taken for a dead one.
	socket.ws.on('CB:iq,xmlns:urn:xmpp:ping', (/** @type {Node} */ { attrs: { id, from = SERVER, type } }) => {
		if (type === 'get') {
			socket.sendNode({ tag: 'iq', attrs: { id, to: from, type: 'result' } }).catch(() => {});
		}
	});
}

/**
 * Wherever it stands in the stanza, and whatever stands around it.
 *
 * @param {Node} stanza
 * @returns {string | undefined}
 */
export function newsOfLinking({ tag, attrs, content }) {
	const inside = () => Array.isArray(content) && content.map(newsOfLinking).find((found) => found !== undefined);
	return NEWS_OF_LINKING.get(attrs?.type ?? '') ?? NEWS_OF_LINKING.get(tag) ?? (inside() || undefined);
}

/** @param {Node} stanza changed in place @param {any} creds */
export function mend(stanza, creds) {
	const { tag, attrs } = stanza;
	const children = Array.isArray(stanza.content) ? stanza.content : [];
	if (attrs.from === SERVER.slice(1)) {
		attrs.from = SERVER;
	}
	if (tag === 'ack' && attrs.class === undefined && isSentByUs(attrs.id)) {
		attrs.class = 'message';
	} else if (tag === 'success' && !attrs.lid && creds.me?.lid) {
		// Baileys would forget the hidden number that it learnt while linking.
		attrs.lid = creds.me.lid;
	} else if (tag === 'stream:error' && !attrs.code && children.some((one) => one.tag === 'conflict' && one.attrs.type === 'device_removed')) {
		attrs.code = '401';
	}
}

/** @param {string | undefined | null} jid @param {any} creds */
export function isOneself(jid, creds) {
	return areJidsSameUser(jid ?? undefined, creds.me?.id) || areJidsSameUser(jid ?? undefined, creds.me?.lid);
}
