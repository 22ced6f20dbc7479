/** What is remembered of the ends of a session's connections, for the reaction to the next one. */

/** A line that held for so long was no attempt any more: what comes next begins anew. */
const HELD_MS = 5000;
/** A line that held for so long shows that the server is there, however often it hangs up: no long waits. */
const BRIEF_MS = 1000;
const STABLE_MS = 60_000;
const CALM_MS = 300_000;

export class Cuts {
	/** Tries since a line held, or since the attempt to link began; without those that the server asked for. */
	tries = 0;
	/** The same of those that the server asked for (515). */
	#restarts = 0;
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
		if (openMs > HELD_MS) {
			this.tries = 0;
			this.#restarts = 0;
		}
		if (openMs > BRIEF_MS || this.#cutAt === 0) {
			this.#cutAt = Date.now();
		}
		const { tries } = this;
		const restarts = this.#restarts;
		if (code === 515) {
			this.#restarts += 1;
		} else {
			this.tries += 1;
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
			tries,
			restarts,
			badSessions: this.#badSessions,
			replacements: this.#replacements
		};
	}
}
