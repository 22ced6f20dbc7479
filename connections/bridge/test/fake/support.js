/** A server and a client (Baileys as it is published, keys in memory) for each test. */
import { initAuthCreds, makeWASocket, proto } from 'baileys';
import { newKeyPair } from '../../fake_whatsapp/certificates.js';
import { hushLibsignal } from '../../fake_whatsapp/hush.js';
import { FakeWhatsApp } from '../../fake_whatsapp/server.js';

/**
 * @typedef {import('baileys').BaileysEventMap} Events
 * @typedef {import('baileys').WASocket} Socket
 * @typedef {import('baileys').WAMessage} Message
 * @typedef {import('node:test').TestContext} TestContext
 */

hushLibsignal();

// Baileys leaves timers of 20 s and more behind when a socket ends; they must not hold up the tests.
const setAnyTimeout = globalThis.setTimeout;
Object.assign(globalThis, {
	setTimeout: (
		/** @type {(...args: any[]) => void} */ run,
		/** @type {number} */ ms,
		/** @type {any[]} */ ...rest
	) => {
		const timer = setAnyTimeout(() => run(...rest), ms);
		return ms > 5000 ? timer.unref() : timer;
	}
});

export const SHOP = '2348012345678';
export const ADA = '2348098765432';
const WAIT_MS = 15_000;
const FEW_KEYS = 30;
const { ERROR } = proto.WebMessageInfo.Status;

/** @type {any} */
const NO_LOG = { level: 'silent', child: () => NO_LOG };
for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) {
	NO_LOG[level] = () => {};
}

/**
 * Asks again and again until the answer is not empty.
 *
 * @template T
 * @param {() => T} look
 * @param {string} what
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(look, what) {
	const end = Date.now() + WAIT_MS;
	while (Date.now() < end) {
		const found = look();
		if (found) {
			return found;
		}
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
	throw new Error(`Waited in vain for ${what}`);
}

/** @param {number} ms */
export function pause(ms) {
	return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A server with one account and one customer; it stops with the test. @param {TestContext} t */
export async function startServer(t) {
	const server = await new FakeWhatsApp().start();
	t.after(() => server.stop());
	const shop = server.people.addAccount(SHOP, 'Ada Stores');
	const ada = server.people.addCustomer(ADA, 'Ada');
	return { server, shop, ada };
}

/** Keys in memory, as one device has them over all its connections. */
export function newAuth() {
	const creds = initAuthCreds();
	/** @type {Record<string, Record<string, any>>} */
	const kept = {};
	const keys = {
		get: async (/** @type {string} */ kind, /** @type {string[]} */ ids) =>
			Object.fromEntries(ids.filter((id) => kept[kind]?.[id]).map((id) => [id, kept[kind][id]])),
		set: async (/** @type {Record<string, Record<string, any>>} */ changes) => {
			for (const [kind, values] of Object.entries(changes)) {
				kept[kind] = { ...kept[kind], ...values };
			}
		}
	};
	return { creds, keys: /** @type {any} */ (keys), kept };
}

/** One connection of a device, with all that it heard. */
export class Client {
	/**
	 * @param {TestContext} t
	 * @param {FakeWhatsApp} server
	 * @param {ReturnType<typeof newAuth>} auth
	 * @param {Partial<import('baileys').UserFacingSocketConfig>} [config]
	 */
	constructor(t, server, auth, config = {}) {
		this.auth = auth;
		/** @type {string[]} */
		this.qrs = [];
		/** @type {{ message: Message, type: string }[]} */
		this.messages = [];
		/** @type {{ id: string, status: number | null | undefined, code: any }[]} */
		this.statuses = [];
		/** @type {any} */
		this.presence = null;
		this.isOpen = false;
		/** @type {number | null} code of the end */
		this.endCode = null;
		/** @type {any} */
		this.endData = null;
		this.socket = makeWASocket({
			auth,
			waWebSocketUrl: server.url,
			logger: NO_LOG,
			browser: ['Ubuntu', 'Chrome', '22.04.4'],
			markOnlineOnConnect: false,
			syncFullHistory: false,
			...config
		});
		this.#listen();
		t.after(() => this.socket.end(undefined));
	}

	#listen() {
		const { ev } = this.socket;
		ev.on('creds.update', (update) => Object.assign(this.auth.creds, update));
		ev.on('connection.update', ({ connection, qr, lastDisconnect }) => {
			if (qr) {
				this.qrs.push(qr);
			}
			this.isOpen = connection === 'open' || (this.isOpen && connection !== 'close');
			if (connection === 'close') {
				const error = /** @type {any} */ (lastDisconnect?.error);
				this.endCode = error?.output?.statusCode ?? 0;
				this.endData = error?.data;
			}
		});
		ev.on('messages.upsert', ({ messages, type }) => {
			this.messages.push(...messages.map((message) => ({ message, type })));
		});
		ev.on('messages.update', (updates) => {
			for (const { key, update } of updates) {
				this.statuses.push({
					id: String(key.id),
					status: update.status,
					code: update.messageStubParameters?.[0]
				});
			}
		});
		ev.on('presence.update', (presence) => {
			this.presence = presence;
		});
	}

	open() {
		return until(() => this.isOpen, 'the connection to open');
	}

	/** @returns {Promise<number>} the code with which the connection ended */
	async end() {
		await until(() => this.endCode !== null, 'the end of the connection');
		return Number(this.endCode);
	}

	qr() {
		return until(() => this.qrs.at(-1), 'a QR code');
	}

	/** @param {string} text */
	received(text) {
		return until(() => this.messages.find(({ message }) => textOf(message) === text), `the message "${text}"`);
	}

	/**
	 * Waits until a message of ours was refused. Baileys tells it in an update, or, when it comes fast,
	 * within the message itself.
	 *
	 * @param {string | null | undefined} id
	 * @returns {Promise<string>} the code
	 */
	refusal(id) {
		return until(() => {
			const update = this.statuses.find((one) => one.id === id && one.status === ERROR);
			const own = this.messages.find(({ message }) => message.key.id === id && message.status === ERROR);
			return update?.code ?? own?.message.messageStubParameters?.[0];
		}, 'the refusal');
	}

	/** Waits until a message of ours got a status at least as high. @param {string} id @param {number} status */
	status(id, status) {
		return until(() => {
			const own = this.messages.find(({ message }) => message.key.id === id)?.message.status ?? 0;
			return this.statuses.some((one) => one.id === id && (one.status ?? -1) >= status) || own >= status;
		}, `status ${status}`);
	}
}

/** @param {Message} message */
export function textOf(message) {
	return message.message?.conversation || message.message?.extendedTextMessage?.text || '';
}

/**
 * A linked device that is online.
 *
 * @param {TestContext} t
 * @param {FakeWhatsApp} server
 * @param {Partial<import('baileys').UserFacingSocketConfig>} [config]
 */
export async function linkedClient(t, server, config) {
	const auth = newAuth();
	const first = new Client(t, server, auth, config);
	const outcome = await server.linking.scan(server.people.account(SHOP), await first.qr());
	if (outcome.outcome !== 'linked') {
		throw new Error(outcome.say);
	}
	await first.end();
	shareKeys(auth, server.people.account(SHOP).devices.get(Number(outcome.device)));
	const client = new Client(t, server, auth, config);
	await client.open();
	return client;
}

/**
 * Uploads a few one-time keys in the device's name: a client that finds some on the server does not
 * make and upload 812 of them, which is most of the time that linking takes.
 *
 * @param {ReturnType<typeof newAuth>} auth
 * @param {import('../../fake_whatsapp/people.js').LinkedDevice | undefined} device
 */
function shareKeys(auth, device) {
	auth.kept['pre-key'] = {};
	for (let id = 1; id <= FEW_KEYS; id++) {
		const pair = newKeyPair();
		auth.kept['pre-key'][id] = pair;
		device?.preKeys.push({ id, key: pair.public });
	}
	auth.creds.nextPreKeyId = FEW_KEYS + 1;
	auth.creds.firstUnuploadedPreKeyId = FEW_KEYS + 1;
}
