/** Tells Backroom what happened: in order, signed, again and again until it is stored (PROTOCOL.md, 3). */
import { randomUUID } from 'node:crypto';
import { kindOf, log } from './log.js';
import { HEADER, sign } from './signatures.js';

/**
 * @typedef {import('./spool.js').Event} Event
 * @typedef {{ session: string, type: string, id?: string, at?: string } & Record<string, any>} News
 */

const BATCH = 100;
const GATHER_MS = 50;
const ANSWER_MS = 20_000;
/** Nobody there, as while Backroom is restarted: asking costs nothing, and customers wait. */
const LONGEST_PAUSE_UNANSWERED_MS = 2000;
const LONGEST_PAUSE_MS = 30_000;
/** Ids that are remembered, so that a repetition by the library is not told again. */
const REMEMBERED = 10_000;

export class Events {
	/** @type {Event[]} */
	#queue = [];
	/** @type {Set<string>} */
	#told = new Set();
	/** @type {(() => void) | null} */
	#wake = null;
	#isEnding = false;
	/** @type {Promise<void> | null} */
	#running = null;

	/** @param {{ url: string, secret: string, owner: string, spool: import('./spool.js').Spool }} options */
	constructor({ url, secret, owner, spool }) {
		this.url = url;
		this.secret = secret;
		this.owner = owner;
		this.spool = spool;
		this.failures = 0;
	}

	/**
	 * Puts an event on the disk and in the queue. Never throws.
	 *
	 * @param {News} news with an `id` when a repetition must be recognised
	 * @param {boolean} [mustLast] see {@link import('./spool.js').Spool#add}
	 */
	tell(news, mustLast = false) {
		const { id = randomUUID(), at = new Date().toISOString(), ...rest } = news;
		if (this.#told.has(id)) {
			return;
		}
		this.#told.add(id);
		if (this.#told.size > REMEMBERED) {
			this.#told.delete(/** @type {string} */ (this.#told.values().next().value));
		}
		const event = { id, at, ...rest };
		this.spool.add(event, mustLast);
		this.#queue.push(event);
		this.#wake?.();
	}

	/**
	 * Tells what dead processes of this host left behind, but for states: those are out of date as soon as
	 * somebody else holds the session, and the last one is in its row. Says how many events.
	 */
	replay() {
		let count = 0;
		for (const { events, done } of this.spool.leftovers()) {
			const news = events.filter(({ type }) => type !== 'state');
			for (const event of news) {
				this.tell(/** @type {any} */ (event), true);
			}
			count += news.length;
			// What could not be written here is found there again.
			if (!this.spool.isBroken) {
				done();
			}
		}
		if (count > 0) {
			log('bridge.events.replayed', { count });
		}
		return count;
	}

	start() {
		this.#running ??= this.#run();
	}

	/** Goes on for a while, then stops; what is left stays on the disk. @param {number} graceMs */
	async stop(graceMs) {
		const end = Date.now() + graceMs;
		while (this.#queue.length > 0 && Date.now() < end) {
			await pause(20);
		}
		this.#isEnding = true;
		this.#wake?.();
		await Promise.race([this.#running, pause(500)]);
	}

	async #run() {
		while (!this.#isEnding) {
			if (this.#queue.length === 0) {
				await this.#news();
				continue;
			}
			if (this.#queue.length < BATCH && this.failures === 0) {
				await pause(GATHER_MS);
			}
			await this.#push(this.#queue.slice(0, BATCH));
		}
	}

	/** @param {Event[]} batch */
	async #push(batch) {
		let size = batch.length;
		while (!this.#isEnding) {
			const part = batch.slice(0, size);
			const status = await this.#post(part);
			if (status >= 200 && status < 300) {
				this.failures = 0;
				this.#queue.splice(0, part.length);
				this.spool.forget(part.map(({ id }) => id));
				return;
			}
			if (status === 413 && size > 1) {
				size = Math.ceil(size / 2);
				continue;
			}
			this.failures += 1;
			log('bridge.events.refused', { status, count: part.length, failures: this.failures });
			const longest = status === 0 ? LONGEST_PAUSE_UNANSWERED_MS : LONGEST_PAUSE_MS;
			const ceiling = Math.min(longest, 250 * 2 ** Math.min(this.failures, 10));
			await pause(ceiling / 2 + (ceiling / 2) * Math.random());
		}
	}

	/** @param {Event[]} events @returns {Promise<number>} the status, 0 when nobody answered */
	async #post(events) {
		const body = JSON.stringify({ v: 1, bridge: this.owner, events });
		try {
			const response = await fetch(this.url, {
				method: 'POST',
				body,
				headers: { 'Content-Type': 'application/json', [HEADER]: sign(this.secret, body) },
				// A redirect is not "stored".
				redirect: 'manual',
				signal: AbortSignal.timeout(ANSWER_MS)
			});
			await response.arrayBuffer();
			return response.status;
		} catch (error) {
			log('bridge.events.unreachable', kindOf(error));
			return 0;
		}
	}

	#news() {
		return new Promise((resolve) => {
			this.#wake = () => {
				this.#wake = null;
				resolve(undefined);
			};
			if (this.#isEnding) {
				this.#wake();
			}
		});
	}
}

/** @param {number} ms */
function pause(ms) {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
