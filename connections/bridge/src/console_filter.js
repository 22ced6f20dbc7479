/**
 * Silences the console of the process; main.js imports this before anything else.
 *
 * libsignal prints whole session records with private ratchet keys through console.info and
 * console.warn (libsignal/src/session_record.js). No line of a library is worth that risk: all of
 * them are dropped, and our own log goes to stdout by another way (log.js).
 */

const LEVELS = /** @type {const} */ (['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table']);

/** How many lines were dropped since the start. */
export const dropped = { count: 0 };

export function silence() {
	for (const level of LEVELS) {
		console[level] = () => {
			dropped.count += 1;
		};
	}
}

silence();
