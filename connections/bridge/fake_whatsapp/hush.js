/** Keeps libsignal from printing whole sessions, with their private keys, to the console. */

const CHATTER =
	/^(Closing (open |stale )?session|Removing old closed session|Session already |Opening session|Decrypted message with closed session|Failed to decrypt message|Session error|V1 session|Migrating session)/;

/** Drops those lines for the whole process. */
export function hushLibsignal() {
	for (const level of /** @type {const} */ (['log', 'info', 'warn', 'error'])) {
		const print = console[level].bind(console);
		console[level] = (...words) => {
			if (!CHATTER.test(String(words[0]))) {
				print(...words);
			}
		};
	}
}
