/**
 * Events on this host's disk until Backroom has stored them: one append-only file for each process,
 * each line encrypted. What a process leaves behind is told by the next one.
 *
 * Lines: a header (JSON: the file's key, wrapped), `+ <number> <base64>` for an event and
 * `- <number> ...` for stored ones.
 */
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { open, seal } from './keyring.js';
import { kindOf, log } from './log.js';

/**
 * @typedef {import('./keyring.js').Keyring} Keyring
 * @typedef {{ id: string } & Record<string, any>} Event
 */

const ENDING = '.spool';
const REWRITE_BYTES = 8_000_000;
/** A process on another host that shares the folder touches its file this often. */
export const TOUCH_MS = 10_000;
const ABANDONED_MS = 60_000;
/** The same where nobody can say whether a number is still that process's. */
const LONG_ABANDONED_MS = 600_000;

/** Owners of spools that this very process has open. @type {Set<string>} */
const openHere = new Set();

export class Spool {
	/** Line of each event that is not stored yet, by its number. @type {Map<number, string>} */
	#lines = new Map();
	/** @type {Map<string, number>} */
	#numbers = new Map();
	#last = 0;
	#bytes = 0;
	/** Whether the last write failed: then events are in memory only. */
	isBroken = false;

	/** @param {string} folder @param {string} owner @param {Keyring} keyring */
	constructor(folder, owner, keyring) {
		this.folder = folder;
		this.owner = owner;
		this.keyring = keyring;
		this.path = join(folder, owner + ENDING);
		openHere.add(owner);
		fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
		const { dataKey, keyId, wrapped } = keyring.newDataKey(`spool|${owner}`);
		this.dataKey = dataKey;
		const { pid } = process;
		const about = { v: 1, owner, host: hostname(), pid, life: lifeOf(pid), key_id: keyId, data_key: wrapped.toString('base64') };
		this.header = `${JSON.stringify(about)}\n`;
		this.file = fs.openSync(this.path, 'ax', 0o600);
		this.#write(this.header);
	}

	/** How many events are not stored. */
	get size() {
		return this.#lines.size;
	}

	/**
	 * Writes an event before it returns. Never throws: it is called between a message and its
	 * receipt, where an error would make Baileys refuse the message for good.
	 *
	 * @param {Event} event
	 * @param {boolean} [mustLast] whether it shall survive a power cut too
	 */
	add(event, mustLast = false) {
		try {
			const number = ++this.#last;
			const sealed = seal(this.dataKey, `spool|${this.owner}|${number}`, Buffer.from(JSON.stringify(event)));
			const line = `+ ${number} ${sealed.toString('base64')}\n`;
			this.#lines.set(number, line);
			this.#numbers.set(event.id, number);
			this.#write(line);
			if (mustLast) {
				fs.fdatasyncSync(this.file);
			}
		} catch (error) {
			this.isBroken = true;
			log('bridge.spool.broken', kindOf(error));
		}
	}

	/** These are stored. Never throws. @param {string[]} ids */
	forget(ids) {
		const numbers = ids.map((id) => this.#numbers.get(id)).filter((number) => number !== undefined);
		for (const number of numbers) {
			this.#lines.delete(number);
		}
		for (const id of ids) {
			this.#numbers.delete(id);
		}
		try {
			if (this.#lines.size === 0) {
				fs.ftruncateSync(this.file, Buffer.byteLength(this.header));
				this.#bytes = Buffer.byteLength(this.header);
			} else if (numbers.length > 0) {
				this.#write(`- ${numbers.join(' ')}\n`);
			}
			if (this.#bytes > REWRITE_BYTES) {
				this.#rewrite();
			}
		} catch (error) {
			this.isBroken = true;
			log('bridge.spool.broken', kindOf(error));
		}
	}

	/** Says that this process lives, to processes that cannot see it; mends the file after a full disk. */
	touch() {
		if (this.isBroken) {
			this.#rewrite();
			this.isBroken = false;
		}
		const now = new Date();
		fs.futimesSync(this.file, now, now);
	}

	/**
	 * What dead processes left behind, in their order. Call `done` when the events are in this spool:
	 * it removes the file. Two processes may find the same file; then events are told twice.
	 *
	 * @returns {{ events: Event[], done: () => void }[]}
	 */
	leftovers() {
		const found = [];
		for (const name of fs.readdirSync(this.folder).filter((one) => one.endsWith(ENDING))) {
			const path = join(this.folder, name);
			try {
				if (path !== this.path && isAbandoned(path)) {
					found.push({ events: this.#read(path), done: () => fs.rmSync(path, { force: true }) });
				}
			} catch (error) {
				if (/** @type {any} */ (error).code !== 'ENOENT') {
					// Kept for a human, out of the way.
					fs.renameSync(path, `${path}.unreadable`);
					log('bridge.spool.unreadable', { file: name, ...kindOf(error) });
				}
			}
		}
		return found;
	}

	/** Removes the file when nothing is left in it. */
	close() {
		openHere.delete(this.owner);
		fs.closeSync(this.file);
		// The number may soon be another file's.
		this.file = -1;
		if (this.#lines.size === 0) {
			fs.rmSync(this.path, { force: true });
		}
	}

	/** @param {string} path @returns {Event[]} */
	#read(path) {
		const [header, ...lines] = fs.readFileSync(path, 'utf8').split('\n');
		const about = header === '' ? null : JSON.parse(header);
		if (about === null) {
			return [];
		}
		const key = this.keyring.unwrap(`spool|${about.owner}`, about.key_id, Buffer.from(about.data_key, 'base64'));
		/** @type {Map<number, Event>} */
		const events = new Map();
		// What follows the last line break was cut off in the middle; its message got no receipt.
		for (const line of lines.slice(0, -1)) {
			const [sign, ...rest] = line.split(' ');
			if (sign === '+') {
				const plain = open(key, `spool|${about.owner}|${rest[0]}`, Buffer.from(rest[1], 'base64'));
				events.set(Number(rest[0]), JSON.parse(plain.toString()));
			} else {
				rest.forEach((number) => events.delete(Number(number)));
			}
		}
		return [...events.values()];
	}

	#rewrite() {
		const fresh = `${this.path}.new`;
		fs.writeFileSync(fresh, this.header + [...this.#lines.values()].join(''), { mode: 0o600, flush: true });
		fs.renameSync(fresh, this.path);
		const old = this.file;
		this.file = fs.openSync(this.path, 'a', 0o600);
		this.#bytes = fs.fstatSync(this.file).size;
		fs.closeSync(old);
	}

	/** @param {string} line */
	#write(line) {
		const bytes = Buffer.from(line);
		if (fs.writeSync(this.file, bytes) < bytes.length) {
			// The disk is full; half a line would spoil the next one.
			fs.ftruncateSync(this.file, this.#bytes);
			throw new Error('A line was cut');
		}
		this.#bytes += bytes.length;
	}
}

/** @param {string} path */
function isAbandoned(path) {
	const [first] = fs.readFileSync(path, 'utf8').split('\n', 1);
	const age = Date.now() - fs.statSync(path).mtimeMs;
	/** @type {any} */
	let about = {};
	try {
		about = JSON.parse(first);
	} catch {
		// A header that was cut off: nothing can be in there once it is old enough.
		return age > ABANDONED_MS;
	}
	return about.host === hostname() ? isOver(about, age) : age > ABANDONED_MS;
}

/**
 * Whether a process of this host has ended. Numbers come again, after a restart of the machine and in
 * containers above all, so its number alone says little.
 *
 * @param {{ owner: string, pid: number, life?: string | null }} process as its file says
 * @param {number} age of the file
 */
function isOver({ owner, pid, life }, age) {
	const now = lifeOf(pid);
	if (!isAlive(pid) || (life && now && life !== now)) {
		return true;
	}
	if (pid === process.pid) {
		return !openHere.has(owner);
	}
	return (!life || !now) && age > LONG_ABANDONED_MS;
}

/**
 * What tells a process from a later one with the same number: when the machine and when the process was
 * started. Null where there is no such process, or no /proc.
 *
 * @param {number} pid
 */
export function lifeOf(pid) {
	try {
		const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
		const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
		// The name stands in brackets, and anything may be in it; the 20th word after it is the start.
		return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
	} catch {
		return null;
	}
}

/** @param {number} pid */
function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return /** @type {any} */ (error).code === 'EPERM';
	}
}
