/** Settings from the environment, checked before anything starts. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Keyring } from './keyring.js';

/** The environment is wrong; the message says what to change. */
export class WrongSetting extends Error {}

export const HELP = `Usage: node connections/bridge/src/main.js [--help]

Holds linked devices of WhatsApp for Backroom (see PROTOCOL.md). Settings come from the environment:

  DATABASE_URL             PostgreSQL; needed
  BACKROOM_KEYS            id:base64-of-32-bytes,... the first one encrypts; needed
  BRIDGE_SECRET            signs requests both ways; needed, at least 16 characters
  BRIDGE_EVENTS_URL        where events are posted to; needed
  BRIDGE_FOLDER            keeps events that are not stored yet; needed, on a disk that lasts
  BRIDGE_PORT              default 8002; 0: any free one
  BRIDGE_HOST              default 127.0.0.1
  BRIDGE_URL               how Backroom reaches this process; default http://127.0.0.1:<port>
  BRIDGE_MAX_SESSIONS      default 100
  BRIDGE_MAX_RSS_MB        hands over and ends above this; default 900
  BRIDGE_MIN_AGE_SECONDS   never so early for its memory; default 600
  BRIDGE_TYPING_MS         longest "composing" before a text; default 0: none, as Backroom asks for it itself
  BRIDGE_TEXTS_PER_MINUTE  for each session; default 60
  BRIDGE_QR_MS             how long each QR is shown; default: 60 s the first, 20 s the later ones
  LINKED_DEVICE_VERSION    a.b.c, the version of WhatsApp Web to say; default: the library's
  LINKED_DEVICE_URL        a WhatsApp server of your own; only with BACKROOM_ENV=development or test
  LINKED_DEVICE_ROOT_KEY   its root key in hex or base64; needed with LINKED_DEVICE_URL

DATABASE_URL, BACKROOM_KEYS, BRIDGE_SECRET and LINKED_DEVICE_ROOT_KEY may be given as NAME_FILE
instead: the path of a file that holds the value.

Exit codes: 0 ended in order, 1 could not start or broke, 2 wrong settings.
`;

const MAY_BE_FILES = ['DATABASE_URL', 'BACKROOM_KEYS', 'BRIDGE_SECRET', 'LINKED_DEVICE_ROOT_KEY'];

/**
 * @typedef {ReturnType<typeof readSettings>} Settings
 */

/**
 * @param {Record<string, string | undefined>} given
 * @throws {WrongSetting}
 */
export function readSettings(given) {
	const env = withFiles(given);
	const server = ownServer(env);
	return {
		databaseUrl: needed(env, 'DATABASE_URL'),
		keyring: keyring(needed(env, 'BACKROOM_KEYS')),
		secret: secret(needed(env, 'BRIDGE_SECRET')),
		eventsUrl: url(needed(env, 'BRIDGE_EVENTS_URL'), 'BRIDGE_EVENTS_URL', /^https?:$/),
		folder: needed(env, 'BRIDGE_FOLDER'),
		port: whole(env, 'BRIDGE_PORT', 8002, 0, 65535),
		host: env.BRIDGE_HOST || '127.0.0.1',
		url: env.BRIDGE_URL ? url(env.BRIDGE_URL, 'BRIDGE_URL', /^https?:$/).replace(/\/$/, '') : null,
		maxSessions: whole(env, 'BRIDGE_MAX_SESSIONS', 100, 1, 1000),
		maxRssMb: whole(env, 'BRIDGE_MAX_RSS_MB', 900, 150, 100_000),
		maxAgeHours: whole(env, 'BRIDGE_MAX_AGE_HOURS', 24, 0, 8760),
		minAgeSeconds: whole(env, 'BRIDGE_MIN_AGE_SECONDS', 600, 0, 86_400),
		typingMs: whole(env, 'BRIDGE_TYPING_MS', 0, 0, 30_000),
		textsPerMinute: whole(env, 'BRIDGE_TEXTS_PER_MINUTE', 60, 1, 10_000),
		/** Null: as long as WhatsApp itself lets them live. */
		qrMs: env.BRIDGE_QR_MS ? whole(env, 'BRIDGE_QR_MS', 0, 50, 120_000) : null,
		version: version(env.LINKED_DEVICE_VERSION),
		server,
		/** Name of this process, never used twice: the fence and the spool both rest on it. */
		owner: `${hostname().replace(/[^\w.]/g, '_')}-${process.pid}-${randomBytes(4).toString('hex')}`
	};
}

/** @param {Record<string, string | undefined>} given */
function withFiles(given) {
	const env = { ...given };
	for (const name of MAY_BE_FILES) {
		const path = given[`${name}_FILE`];
		if (path && !env[name]) {
			try {
				env[name] = readFileSync(path, 'utf8').trim();
			} catch {
				throw new WrongSetting(`The file of ${name}_FILE cannot be read`);
			}
		}
	}
	return env;
}

/** @param {Record<string, string | undefined>} env @param {string} name */
function needed(env, name) {
	const value = env[name];
	if (!value) {
		throw new WrongSetting(`${name} is not set`);
	}
	return value;
}

/** @param {string} value @param {string} name @param {RegExp} protocol */
function url(value, name, protocol) {
	if (!URL.canParse(value) || !protocol.test(new URL(value).protocol)) {
		throw new WrongSetting(`${name} is no URL of the right kind`);
	}
	return value;
}

/** @param {string} value */
function secret(value) {
	if (value.length < 16) {
		throw new WrongSetting('BRIDGE_SECRET must have at least 16 characters');
	}
	return value;
}

/** @param {string} value */
function keyring(value) {
	try {
		return Keyring.parse(value);
	} catch {
		throw new WrongSetting('BACKROOM_KEYS must be id:base64-of-32-bytes, several with commas between them');
	}
}

/** @param {Record<string, string | undefined>} env @param {string} name @param {number} byDefault @param {number} least @param {number} most */
function whole(env, name, byDefault, least, most) {
	const value = env[name] === undefined || env[name] === '' ? byDefault : Number(env[name]);
	if (!Number.isInteger(value) || value < least || value > most) {
		throw new WrongSetting(`${name} must be a whole number from ${least} to ${most}`);
	}
	return value;
}

/** @param {string | undefined} value @returns {[number, number, number] | null} */
function version(value) {
	if (!value) {
		return null;
	}
	const parts = /^(\d+)\.(\d+)\.(\d+)$/.exec(value);
	if (!parts) {
		throw new WrongSetting('LINKED_DEVICE_VERSION must look like 2.3000.1');
	}
	return [Number(parts[1]), Number(parts[2]), Number(parts[3])];
}

/** @param {Record<string, string | undefined>} env @returns {{ url: string, rootKey: Buffer } | null} */
function ownServer(env) {
	const { LINKED_DEVICE_URL: address, LINKED_DEVICE_ROOT_KEY: key } = env;
	if (!address && !key) {
		return null;
	}
	// Who can set a server and its root key can read everything: never in production.
	if (env.BACKROOM_ENV !== 'development' && env.BACKROOM_ENV !== 'test') {
		throw new WrongSetting('LINKED_DEVICE_URL and LINKED_DEVICE_ROOT_KEY need BACKROOM_ENV=development or test');
	}
	const rootKey = publicKey(key ?? '');
	if (!address || !rootKey) {
		throw new WrongSetting('LINKED_DEVICE_URL needs LINKED_DEVICE_ROOT_KEY, 32 bytes in hex or base64 (a byte 05 before them may stay)');
	}
	return { url: url(address, 'LINKED_DEVICE_URL', /^wss?:$/), rootKey };
}

/** @param {string} written @returns {Buffer | null} 32 bytes */
function publicKey(written) {
	const bytes = Buffer.from(written, /^([0-9a-f]{2})+$/i.test(written) ? 'hex' : 'base64');
	const isWhole = /^[\w+/=-]+$/.test(written) && (bytes.length === 32 || (bytes.length === 33 && bytes[0] === 5));
	return isWhole ? bytes.subarray(-32) : null;
}
