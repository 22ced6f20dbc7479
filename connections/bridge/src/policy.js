/**
 * What follows from the end of a connection. Pure: no clock, no chance, no socket of its own.
 *
 * Codes are those of stream errors and login failures, as Baileys (Types/index.js,
 * DisconnectReason) and whatsmeow (types/events/events.go, ConnectFailureReason) name them.
 */

/**
 * @typedef {object} End
 * @property {number} code 0 when there is none
 * @property {string} [text] the library's words; only told apart, never logged
 * @property {any} [data] attributes of the failure
 * @property {boolean} isLinked whether the device belongs to somebody
 * @property {boolean} hasOpened whether it was ever open since it was linked
 * @property {number} cutMs since a line that was open for a moment was lost, 0 if this one was
 * @property {number} tries since a line held (cuts.js), without those that the server asked for
 * @property {number} restarts those that it asked for (515)
 * @property {number} badSessions quick ends with 500 in a row
 * @property {number} replacements ends with 440 in a row
 *
 * @typedef {object} Reaction
 * @property {'retry' | 'rest' | 'erase'} next erase: forget the keys, then rest
 * @property {string} state
 * @property {string} reason a word
 * @property {number} [delayMs] before the next try
 * @property {number} [untilMs] from now: until when nobody may try
 */

/** Milliseconds; tests begin with less. */
export const BACKOFF = { first: 1000, shortCap: 10_000, longCap: 60_000, shortFor: 120_000 };
const LEAST_MS = 100;

/** Why a number is banned for a while: whatsmeow types/events/events.go, TempBanReason. @type {Record<number, string>} */
const BANS = {
	101: 'too_many_strangers',
	102: 'blocked_by_many',
	103: 'too_many_groups',
	104: 'same_text_to_many',
	106: 'broadcast_to_many'
};

/** @type {Record<number, string>} */
const HUMANS = {
	409: 'bad_user_agent',
	411: 'multidevice_mismatch',
	415: 'unsupported',
	418: 'refused',
	419: 'refused'
};

/**
 * Full jitter under a ceiling that doubles from 1 s: to 10 s for two minutes, then to 60 s.
 *
 * @param {number} tries 0 before the first one
 * @param {number} cutMs
 * @param {number} chance 0 to 1
 */
export function backoffMs(tries, cutMs, chance) {
	const { first, shortCap, longCap, shortFor } = BACKOFF;
	const cap = cutMs < shortFor ? shortCap : longCap;
	return Math.max(LEAST_MS, Math.round(Math.min(cap, first * 2 ** Math.min(tries, 10)) * chance));
}

/** @param {End} end @param {number} chance 0 to 1 @returns {Reaction} */
export function react(end, chance) {
	const { code, isLinked } = end;
	if (code === 515 && end.restarts < 5) {
		return { next: 'retry', state: 'connecting', reason: 'restart_required', delayMs: 0 };
	}
	if (code === 401 && !isLinked) {
		return { next: 'rest', state: 'expired', reason: 'refused' };
	}
	if (code === 401) {
		// The phone had agreed, but WhatsApp never heard that this device did: nobody was logged out.
		return end.hasOpened
			? { next: 'erase', state: 'logged_out', reason: 'unlinked' }
			: { next: 'erase', state: 'expired', reason: 'not_finished' };
	}
	if (code === 402) {
		const seconds = Number(end.data?.expire);
		const reason = BANS[Number(end.data?.code)] ?? 'banned';
		return { next: 'rest', state: 'banned', reason, untilMs: (seconds > 0 ? seconds : 3600) * 1000 };
	}
	if (code === 403 || code === 406) {
		// Keys are kept: a wrong word of the server must not cost the link. Support can try again.
		return { next: 'rest', state: 'banned', reason: code === 403 ? 'locked' : 'banned' };
	}
	if (code === 405) {
		return { next: 'retry', state: 'outdated', reason: 'version_refused', delayMs: 300_000 };
	}
	if (code === 440) {
		return end.replacements <= 1
			? { next: 'retry', state: 'replaced', reason: 'opened_elsewhere', delayMs: 60_000 }
			: { next: 'rest', state: 'replaced', reason: 'opened_elsewhere' };
	}
	if (code === 429) {
		return { next: 'retry', state: 'backoff', reason: 'too_many_requests', delayMs: 60_000 + Math.round(240_000 * chance) };
	}
	if (HUMANS[code]) {
		return { next: 'rest', state: 'needs_human', reason: HUMANS[code] };
	}
	if (!isLinked && code === 408 && /QR refs/.test(end.text ?? '')) {
		return { next: 'rest', state: 'expired', reason: 'not_scanned' };
	}
	if (!isLinked && end.tries >= 8) {
		return { next: 'rest', state: 'expired', reason: 'no_connection' };
	}
	if (code === 500 && end.badSessions >= 5) {
		return { next: 'rest', state: 'needs_human', reason: 'bad_session' };
	}
	const tries = code === 515 ? end.restarts : end.tries;
	return { next: 'retry', state: 'backoff', reason: cutReason(end), delayMs: backoffMs(tries, end.cutMs, chance) };
}

/** @param {End} end */
function cutReason({ code, text = '' }) {
	if (code === 400 && /certif/.test(text)) {
		return 'untrusted_server';
	}
	return { 408: 'timed_out', 428: 'closed', 500: 'bad_session', 503: 'unavailable', 515: 'restart_required' }[code] ?? 'lost';
}
