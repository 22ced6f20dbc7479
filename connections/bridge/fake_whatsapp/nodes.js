/** Small words for building and reading nodes of WhatsApp's binary XML. */
import { randomBytes } from 'node:crypto';

/** @typedef {import('baileys').BinaryNode} Node */

/** Where addresses by phone number are. */
export const PHONES = 's.whatsapp.net';
/** The server's own address: one without a user, as it comes out of the binary form. */
export const SERVER = `@${PHONES}`;

/**
 * @param {string} tag
 * @param {Record<string, string | number | undefined>} [attrs] those without a value are left out
 * @param {Node['content']} [content]
 * @returns {Node}
 */
export function node(tag, attrs = {}, content = undefined) {
	/** @type {Record<string, string>} */
	const said = {};
	for (const [name, value] of Object.entries(attrs)) {
		if (value !== undefined) {
			said[name] = String(value);
		}
	}
	return { tag, attrs: said, content };
}

/** @param {Node | undefined} parent @returns {Node[]} */
export function children(parent) {
	return Array.isArray(parent?.content) ? parent.content : [];
}

/** @param {Node | undefined} parent @param {string} tag @returns {Node | undefined} */
export function child(parent, tag) {
	return children(parent).find((one) => one.tag === tag);
}

/** The bytes inside a child; empty when there is none. @param {Node | undefined} parent @param {string} tag */
export function bytes(parent, tag) {
	const content = child(parent, tag)?.content;
	return content && !Array.isArray(content) ? Buffer.from(content) : Buffer.alloc(0);
}

/** A whole number in big endian, as ids of keys are written. @param {Buffer} value */
export function number(value) {
	return value.length ? value.readUIntBE(0, value.length) : 0;
}

/** @param {number} value @param {number} size in bytes */
export function bigEndian(value, size) {
	const buffer = Buffer.alloc(size);
	buffer.writeUIntBE(value, 0, size);
	return buffer;
}

/** @param {Node} query @param {Node[]} [content] */
export function result(query, content) {
	return node('iq', { from: SERVER, type: 'result', id: query.attrs.id }, content);
}

/** @param {Node} query @param {number} code @param {string} text */
export function refusal(query, code, text) {
	return node('iq', { from: SERVER, type: 'error', id: query.attrs.id }, [node('error', { code, text })]);
}

export function stanzaId() {
	return randomBytes(8).toString('hex').toUpperCase();
}

/** A message id as phones make them. */
export function messageId() {
	return '3A' + randomBytes(9).toString('hex').toUpperCase();
}

export function unixNow() {
	return Math.floor(Date.now() / 1000);
}
