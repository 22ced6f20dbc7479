/** Log lines as JSON on stdout: ids and numbers only, never a text, a phone number or a code. */

/** @typedef {Record<string, string | number | boolean | null | undefined>} Facts */

/** Where lines go; tests put their own function here. */
export const out = {
	/** @param {string} line */
	write: (line) => {
		process.stdout.write(line);
	}
};

/** @param {string} event as `bridge.noun.past-verb` @param {Facts} [facts] */
export function log(event, facts = {}) {
	out.write(`${JSON.stringify({ at: new Date().toISOString(), event, ...facts })}\n`);
}

/**
 * What may be said of an error: its kind and code. Messages may hold numbers and texts.
 *
 * @param {unknown} error
 * @returns {Facts}
 */
export function kindOf(error) {
	const one = /** @type {any} */ (error);
	const frame = typeof one?.stack === 'string' ? /\n\s+at [^\n]*?([\w.-]+\.js:\d+)/.exec(one.stack)?.[1] : undefined;
	return { error: one?.name ?? typeof error, error_code: one?.output?.statusCode ?? one?.code, error_at: frame };
}

/** The logger that Baileys gets. It says JIDs and whole nodes, so nothing of it comes out. @type {any} */
export const libraryLog = { level: 'silent', child: () => libraryLog };
for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) {
	libraryLog[level] = () => {};
}
