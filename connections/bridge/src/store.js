/**
 * The keys of one session in PostgreSQL, encrypted. Every change is one statement that holds the
 * session's row still and changes nothing once the epoch has moved on.
 *
 * There is no cache: Baileys reads within a transaction of its own, a read costs less than 1 ms, and
 * its makeCacheableSignalKeyStore is blamed for unbounded memory (WhiskeySockets/Baileys#1377).
 */
import { BufferJSON, proto } from 'baileys';
import { Fenced } from './database.js';
import { open, seal, Unreadable } from './keyring.js';
import { kindOf, log } from './log.js';

/**
 * @typedef {import('./leases.js').Row} Row
 * @typedef {import('./keyring.js').Keyring} Keyring
 */

const MINE = 'mine as (select id from connections_linkedsession where id = $1 and epoch = $2 for share)';

/**
 * How often, and at which distance, keys are asked for while the database is away: for longer than the
 * sockets stay open then (sessions.js, TIMES.fence). Baileys takes a failure for "no session" and refuses
 * the message.
 */
export const AWAY = { tries: 20, pauseMs: 700 };

/** Nothing is to be had: the socket that asks is not the session's any more, or what it asks for is not kept. */
export class Closed extends Error {
	name = 'Closed';
}

/**
 * Chats that are muted, archived and the like: nothing of it is needed. Baileys asks the server for it
 * until each collection was named in an answer (lib/Socket/chats.js, resyncAppState), in a circle without
 * end where none is; whatever else the session has to do would wait for that. So it gets no beginning.
 */
const UNNEEDED = 'app-state-sync-version';

export class Store {
	/** Statements over keys that are under way. @type {Set<Promise<any>>} */
	#flights = new Set();
	/** @type {Buffer | null} */
	#dataKey = null;
	/** @type {{ value: any, promise: Promise<void> } | null} */
	#waiting = null;
	/** @type {Promise<void>} */
	#writing = Promise.resolve();

	/**
	 * @param {import('pg').Pool} pool
	 * @param {Keyring} keyring
	 * @param {Row} row
	 * @param {(error: Fenced | Unreadable) => void} onBroken told of every statement that was fenced and every value that cannot be read
	 */
	constructor(pool, keyring, row, onBroken) {
		this.pool = pool;
		this.keyring = keyring;
		this.id = row.id;
		this.epoch = row.epoch;
		this.onBroken = onBroken;
	}

	/**
	 * Opens what is kept; a data key under an old key of the environment is wrapped anew.
	 *
	 * @param {Row} row
	 * @returns {Promise<any>} the creds, null when the device was never linked
	 * @throws {Unreadable | Fenced}
	 */
	async load(row) {
		if (!row.creds || !row.data_key || row.key_id === null) {
			if (row.creds) {
				throw new Unreadable(`${this.id}|data_key`);
			}
			return null;
		}
		this.#dataKey = this.keyring.unwrap(`${this.id}|data_key`, row.key_id, row.data_key);
		const creds = parse(open(this.#dataKey, `${this.id}|creds|`, row.creds));
		if (row.key_id !== this.keyring.current) {
			await this.#wrapAnew(this.#dataKey);
		}
		return creds;
	}

	/** @param {Buffer} dataKey @throws {Fenced} */
	async #wrapAnew(dataKey) {
		const { keyId, wrapped } = this.keyring.wrap(`${this.id}|data_key`, dataKey);
		try {
			await this.#own('data_key = $3, key_id = $4', [wrapped, keyId]);
		} catch (error) {
			if (error instanceof Fenced) {
				throw error;
			}
			// The old key opens it as well; the next opening tries again.
			log('bridge.data_key.kept', { session: this.id, ...kindOf(error) });
		}
	}

	/** Forgets all keys and begins with a fresh data key. @throws {Fenced} */
	async begin() {
		const { dataKey, keyId, wrapped } = this.keyring.newDataKey(`${this.id}|data_key`);
		await this.#erase(wrapped, keyId);
		this.#dataKey = dataKey;
	}

	/** Forgets all keys. @throws {Fenced} */
	async erase() {
		await this.#erase(null, null);
		this.#dataKey = null;
	}

	/**
	 * Writes the creds as they are when the statement starts. One write is under way at a time; who
	 * asks meanwhile shares the next one.
	 *
	 * @param {any} creds
	 * @returns {Promise<void>} settled when these creds are stored
	 */
	saveCreds(creds) {
		if (!this.#waiting) {
			const next = { value: creds, promise: Promise.resolve() };
			next.promise = this.#writing.then(async () => {
				this.#waiting = null;
				await this.#own('creds = $3', [this.#seal('creds', '', Buffer.from(stringify(next.value)))]);
			});
			this.#waiting = next;
			this.#writing = next.promise.catch(() => {});
		}
		this.#waiting.value = creds;
		return this.#waiting.promise;
	}

	/** Settled when nothing is being written. */
	async idle() {
		await this.#writing;
		await Promise.allSettled(this.#flights);
	}

	/**
	 * What Baileys calls a SignalKeyStore, for one socket. It refuses everything once that socket is
	 * not the session's any more: the library goes on working for a while after its end, and must not
	 * write old keys beside new ones.
	 *
	 * @param {() => boolean} live
	 */
	keysFor(live) {
		const guarded = async (/** @type {() => Promise<any>} */ run) => {
			if (!live()) {
				throw new Closed(this.id);
			}
			const flight = run();
			this.#flights.add(flight);
			return flight.finally(() => this.#flights.delete(flight));
		};
		return {
			get: (/** @type {string} */ kind, /** @type {string[]} */ names) =>
				kind === UNNEEDED ? Promise.reject(new Closed(kind)) : guarded(() => this.#get(kind, names)),
			set: (/** @type {Record<string, Record<string, any>>} */ changes) => guarded(() => this.#set(changes))
		};
	}

	/** @param {Record<string, any>} fields columns of the session's row @throws {Fenced} */
	async write(fields) {
		const names = Object.keys(fields);
		await this.#own(names.map((name, index) => `${name} = $${index + 3}`).join(', '), Object.values(fields));
	}

	/** Keeps what is about to be sent. @param {string} waId @param {string} opaque @param {Uint8Array} message @throws {Fenced} */
	async keepSent(waId, opaque, message) {
		await this.#fenced(
			`with ${MINE}, put as (
				insert into connections_linkedsent (session_id, wa_id, opaque, message, created_at)
				select id, $3, $4, $5, now() from mine
				on conflict (session_id, wa_id) do update set message = excluded.message)
			select count(*) from mine`,
			[waId, opaque, this.#seal('sent', waId, message)]
		);
	}

	/** @param {string} waId @returns {Promise<{ opaque: string, message: Buffer | null } | undefined>} */
	async sent(waId) {
		const { rows } = await this.pool.query(
			'select opaque, message from connections_linkedsent where session_id = $1 and wa_id = $2',
			[this.id, waId]
		);
		if (!rows[0] || !this.#dataKey) {
			return undefined;
		}
		const { opaque, message } = rows[0];
		try {
			return { opaque, message: open(this.#dataKey, `${this.id}|sent|${waId}`, message) };
		} catch {
			// Only that one text cannot be sent again; the session lives on.
			return { opaque, message: null };
		}
	}

	/** @param {string} kind @param {string[]} names */
	async #get(kind, names) {
		const { rows } = await this.#patiently(() =>
			this.pool.query(
				'select name, value from connections_linkedkey where session_id = $1 and kind = $2 and name = any($3)',
				[this.id, kind, names]
			)
		);
		/** @type {Record<string, any>} */
		const found = {};
		for (const { name, value } of rows) {
			const plain = parse(this.#open(kind, name, value));
			found[name] = kind === 'app-state-sync-key' ? proto.Message.AppStateSyncKeyData.fromObject(plain) : plain;
		}
		return found;
	}

	/** @param {Record<string, Record<string, any>>} changes null removes */
	async #set(changes) {
		/** @type {[string[], string[]]} */
		const gone = [[], []];
		/** @type {[string[], string[], Buffer[]]} */
		const put = [[], [], []];
		for (const kind of Object.keys(changes).sort()) {
			// One order for all writers: two statements over the same rows must not deadlock.
			for (const name of Object.keys(changes[kind]).sort()) {
				const value = changes[kind][name];
				if (value === null || value === undefined) {
					gone[0].push(kind);
					gone[1].push(name);
				} else {
					put[0].push(kind);
					put[1].push(name);
					put[2].push(this.#seal(kind, name, Buffer.from(stringify(value))));
				}
			}
		}
		const change = () => this.#fenced(
			`with ${MINE}, gone as (
				delete from connections_linkedkey k using unnest($3::text[], $4::text[]) as old(kind, name), mine
				where k.session_id = mine.id and k.kind = old.kind and k.name = old.name),
			put as (
				insert into connections_linkedkey (session_id, kind, name, value)
				select mine.id, fresh.* from mine, unnest($5::text[], $6::text[], $7::bytea[]) as fresh(kind, name, value)
				on conflict (session_id, kind, name) do update set value = excluded.value)
			select count(*) from mine`,
			[...gone, ...put]
		);
		await this.#patiently(change);
	}

	/**
	 * Tries again while the database is away. A message whose keys could not be read would be refused
	 * for good, and nobody would see it again; so it waits, until the lease has ended the socket.
	 *
	 * @template T
	 * @param {() => Promise<T>} ask
	 * @returns {Promise<T>}
	 */
	async #patiently(ask) {
		for (let left = AWAY.tries; ; left -= 1) {
			try {
				return await ask();
			} catch (error) {
				if (error instanceof Fenced || error instanceof Unreadable || left <= 1) {
					throw error;
				}
				await new Promise((resolve) => setTimeout(resolve, AWAY.pauseMs));
			}
		}
	}

	/** @param {Buffer | null} wrapped @param {string | null} keyId */
	async #erase(wrapped, keyId) {
		await this.idle();
		await this.#fenced(
			`with mine as (update connections_linkedsession set creds = null, data_key = $3, key_id = $4
				where id = $1 and epoch = $2 returning id),
			keys as (delete from connections_linkedkey k using mine where k.session_id = mine.id),
			sent as (delete from connections_linkedsent s using mine where s.session_id = mine.id)
			select count(*) from mine`,
			[wrapped, keyId]
		);
	}

	/** @param {string} changes @param {any[]} values */
	#own(changes, values) {
		return this.#fenced(
			`with mine as (update connections_linkedsession set ${changes} where id = $1 and epoch = $2 returning id)
			select count(*) from mine`,
			values
		);
	}

	/** @param {string} statement which answers with the number of rows that are still ours @param {any[]} values */
	async #fenced(statement, values) {
		const { rows } = await this.pool.query(statement, [this.id, this.epoch, ...values]);
		if (rows[0].count === '0') {
			const error = new Fenced(this.id);
			this.onBroken(error);
			throw error;
		}
	}

	/** @param {string} kind @param {string} name @param {Uint8Array} plain */
	#seal(kind, name, plain) {
		if (!this.#dataKey) {
			throw new Unreadable(`${this.id}|data_key`);
		}
		return seal(this.#dataKey, `${this.id}|${kind}|${name}`, plain);
	}

	/** @param {string} kind @param {string} name @param {Buffer} sealed */
	#open(kind, name, sealed) {
		try {
			if (!this.#dataKey) {
				throw new Unreadable(`${this.id}|data_key`);
			}
			return open(this.#dataKey, `${this.id}|${kind}|${name}`, sealed);
		} catch (error) {
			// Never "not there": Baileys would go on with a new key in the place of a damaged one.
			this.onBroken(/** @type {Unreadable} */ (error));
			throw error;
		}
	}
}

/** @param {any} value */
function stringify(value) {
	return JSON.stringify(value, BufferJSON.replacer);
}

/** @param {Buffer} plain */
function parse(plain) {
	return JSON.parse(plain.toString(), BufferJSON.reviver);
}
