/** Signs and checks what goes between Backroom and the bridge (PROTOCOL.md, 6). */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const HEADER = 'x-backroom-signature';
const WINDOW_SECONDS = 300;

/** @param {string} secret @param {string | Buffer} body @param {number} [now] unix seconds */
export function sign(secret, body, now = Math.floor(Date.now() / 1000)) {
	return `t=${now},v1=${digest(secret, now, body).toString('hex')}`;
}

/**
 * @param {string} secret
 * @param {Buffer} body as it came, before any parsing
 * @param {unknown} header
 * @param {number} [now] unix seconds
 */
export function isSigned(secret, body, header, now = Math.floor(Date.now() / 1000)) {
	const parts = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(typeof header === 'string' ? header : '');
	if (!parts || Math.abs(now - Number(parts[1])) > WINDOW_SECONDS) {
		return false;
	}
	return timingSafeEqual(Buffer.from(parts[2], 'hex'), digest(secret, Number(parts[1]), body));
}

/** @param {string} secret @param {number} at @param {string | Buffer} body */
function digest(secret, at, body) {
	return createHmac('sha256', secret).update(`${at}.`).update(body).digest();
}
