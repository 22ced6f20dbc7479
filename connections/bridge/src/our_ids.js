/** Ids of the messages that we send: made of session and request, and known again as ours. */
import { createHash } from 'node:crypto';

/** Baileys' own beginning, and four bytes by which we know ours. */
const BEGINNING = '3EB0B4C4';

/** The same send has the same id, whoever repeats it. @param {string} session @param {string} opaque */
export function waIdOf(session, opaque) {
	return BEGINNING + createHash('sha256').update(`${session}|${opaque}`).digest('hex').slice(0, 14).toUpperCase();
}

/** @param {unknown} waId */
export function isSentByUs(waId) {
	return typeof waId === 'string' && /^3EB0B4C4[0-9A-F]{14}$/.test(waId);
}
