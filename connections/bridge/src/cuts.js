/** What is remembered of the ends of a session's connections, for the reaction to the next one. */

const STABLE_MS = 60_000;
const CALM_MS = 300_000;

export class Cuts {
	/** Tries since it was open last, or since the attempt to link began. */
	tries = 0;
	#openedAt = 0;
	#cutAt = 0;
	#badSessions = 0;
	#replacements = 0;

	opened() {
		this.#openedAt = Date.now();
	}

	/**
	 * @param {any} error why the connection ended, as Baileys says it
	 * @param {{ isLinked: boolean, hasOpened: boolean }} session
	 * @returns {import('./policy.js').End}
	 */
	next(error, session) {
		const code = Number(error?.output?.statusCode ?? 0);
		const openMs = this.#openedAt === 0 ? 0 : Date.now() - this.#openedAt;
		this.#openedAt = 0;
		if (openMs > STABLE_MS || this.#cutAt === 0) {
			this.tries = 0;
			this.#cutAt = Date.now();
		}
		this.#badSessions = code === 500 && openMs < STABLE_MS ? this.#badSessions + 1 : 0;
		this.#replacements = code === 440 ? (openMs > CALM_MS ? 1 : this.#replacements + 1) : this.#replacements;
		return {
			...session,
			code,
			text: error?.message,
			// A refused login has its facts at hand, a stream error inside a node.
			data: error?.data?.attrs ?? error?.data,
			cutMs: Date.now() - this.#cutAt,
			tries: this.tries,
			badSessions: this.#badSessions,
			replacements: this.#replacements
		};
	}
}
