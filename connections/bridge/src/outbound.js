/** Sends what Backroom asks for through one session (PROTOCOL.md, 4). */
import { generateWAMessageFromContent, jidDecode, proto } from 'baileys';
import { kindOf, log } from './log.js';
import { Memory } from './memory.js';
import { waIdOf } from './our_ids.js';
import { reach } from './reaching.js';

/**
 * @typedef {import('./session.js').Session} Session
 * @typedef {object} Request
 * @property {string} opaque
 * @property {'text' | 'read' | 'typing' | 'probe'} kind
 * @property {string | null} chat
 * @property {string | null} phone
 * @property {string} text
 * @property {string | null} reply_to
 * @property {string | null} message_id
 */

const LONGEST_TEXT = 65_536;
const ACK_MS = 15_000;
const MOST_WAITING = 20;
const PRIVACY_MS = 2000;
/** WhatsApp's code for a stale session with one of the customer's devices. */
const STALE = 479;

/** The request cannot be done; carries what PROTOCOL.md says of the answer. */
export class Refused extends Error {
	name = 'Refused';

	/** @param {number} status @param {string} error @param {string | null} [detail] @param {number | null} [code] */
	constructor(status, error, detail = null, code = null) {
		super(error);
		this.status = status;
		this.answer = { error, code, detail };
	}
}

/** @param {any} body @returns {Request} @throws {Refused} */
export function readRequest(body) {
	const { opaque, kind, chat = null, phone = null, text = '', reply_to = null, message_id = null } = body ?? {};
	const isProbe = kind === 'probe';
	const isAddressed = isProbe ? chat === null && phone === null : chat !== null ? /^\d{5,20}@(s\.whatsapp\.net|lid)$/.test(chat) : /^\+\d{6,15}$/.test(phone);
	const strings = [reply_to, message_id].every((one) => one === null || (typeof one === 'string' && one.length <= 128));
	const isRight =
		(kind === 'text' ? text !== '' && typeof text === 'string' && text.length <= LONGEST_TEXT : isProbe || kind === 'read' || kind === 'typing') &&
		(kind !== 'read' || message_id !== null || chat !== null);
	if (typeof opaque !== 'string' || opaque === '' || opaque.length > 200 || !isAddressed || !strings || !isRight) {
		throw new Refused(400, 'invalid', 'The request is not as the contract says');
	}
	return { opaque, kind, chat, phone, text, reply_to, message_id };
}

export class Outbound {
	/** @type {Map<string, Promise<any>>} by id: a repetition while the first one is under way */
	#underWay = new Map();
	/** @type {Promise<unknown>} */
	#last = Promise.resolve();
	#waiting = 0;
	#isPrivacyUnknown = false;
	#tokens;
	#filledAt = Date.now();
	/** Numbers with WhatsApp. @type {Memory<true>} */
	#known = new Memory(1000);

	/** @param {Session} session @param {{ typingMs: number, textsPerMinute: number }} pace */
	constructor(session, pace) {
		this.session = session;
		this.pace = pace;
		this.#tokens = pace.textsPerMinute;
	}

	/** @param {Request} request @returns {Promise<{ wa_id: string, ms: number }>} @throws {Refused} */
	send(request) {
		if (request.kind === 'probe') {
			return this.#probe();
		}
		const waId = waIdOf(this.session.id, request.opaque);
		const same = this.#underWay.get(waId);
		if (same) {
			return same;
		}
		this.session.openSocket();
		this.#admit(request);
		this.#waiting += 1;
		// One after the other, so that texts of one session keep their order.
		const sent = this.#last.then(() => this.#timed(waId, request));
		this.#underWay.set(waId, sent);
		this.#last = sent
			.catch(() => {})
			.then(() => {
				this.#waiting -= 1;
				this.#underWay.delete(waId);
			});
		return sent;
	}

	/** Not in the queue: what may be stuck there is the reason to ask. @returns {Promise<{ wa_id: string, ms: number }>} */
	async #probe() {
		const start = performance.now();
		if (!(await this.session.probe())) {
			throw new Refused(504, 'unknown', 'No sign of life came');
		}
		return { wa_id: '', ms: Math.round(performance.now() - start) };
	}

	/** Settled when nothing is being sent any more, or after a while. @param {number} mostMs */
	async idle(mostMs) {
		if (this.#waiting > 0) {
			await Promise.race([this.#last, new Promise((resolve) => setTimeout(resolve, mostMs).unref())]);
		}
	}

	/** @param {Request} request */
	#admit(request) {
		const now = Date.now();
		const { textsPerMinute } = this.pace;
		this.#tokens = Math.min(textsPerMinute, this.#tokens + ((now - this.#filledAt) / 60_000) * textsPerMinute);
		this.#filledAt = now;
		if (this.#waiting >= MOST_WAITING || (request.kind === 'text' && this.#tokens < 1)) {
			throw new Refused(429, 'too_fast');
		}
		this.#tokens -= request.kind === 'text' ? 1 : 0;
	}

	/** @param {string} waId @param {Request} request */
	async #timed(waId, request) {
		const start = performance.now();
		const socket = this.session.openSocket();
		const jid = request.chat ?? (await this.#jidOf(socket, String(request.phone)));
		if (request.kind === 'text') {
			await this.#text(socket, waId, jid, request);
		} else if (request.kind === 'read') {
			await this.#read(socket, request.message_id, jid);
		} else {
			await socket.sendPresenceUpdate('composing', jid);
		}
		return { wa_id: waId, ms: Math.round(performance.now() - start) };
	}

	/** @param {import('baileys').WASocket} socket @param {string} waId @param {string} jid @param {Request} request */
	async #text(socket, waId, jid, { opaque, text, reply_to: replyTo }) {
		await this.#behave(socket, jid, text);
		if (!(await reach(socket, { ...this.session.caches, ...this.session.memories }, jid))) {
			// Nothing has gone out. As WhatsApp itself says it of a phone whose keys have changed.
			throw new Refused(422, 'refused', "There are no keys of the customer's phone", STALE);
		}
		const quoted = replyTo ? this.#quoted(replyTo, jid) : undefined;
		const content = proto.Message.fromObject({ extendedTextMessage: { text } });
		const whole = generateWAMessageFromContent(jid, content, {
			userJid: String(socket.user?.id),
			messageId: waId,
			quoted
		});
		const message = /** @type {proto.IMessage} */ (whole.message);
		// First kept, then sent: the customer's phone may ask for it again at once.
		await this.session.keepSent(waId, opaque, proto.Message.encode(message).finish());
		let ack = await this.#relay(socket, jid, message, waId);
		if (ack === STALE) {
			// Once more with new keys, if there are any.
			await socket.assertSessions([jid], true).catch(() => undefined);
			ack = await this.#relay(socket, jid, message, waId);
		}
		if (ack !== null) {
			throw new Refused(422, 'refused', null, ack);
		}
	}

	/**
	 * @param {import('baileys').WASocket} socket
	 * @param {string} jid
	 * @param {proto.IMessage} message
	 * @param {string} waId
	 * @returns {Promise<number | null>} null: taken; else the code of the refusal
	 */
	async #relay(socket, jid, message, waId) {
		// Any stanza with this id means that the server knows the message: a receipt may come first.
		const answered = socket.waitForMessage(waId, ACK_MS).then(
			(/** @type {any} */ node) => node ?? null,
			() => null
		);
		try {
			await socket.relayMessage(jid, message, { messageId: waId });
		} catch (error) {
			if (!this.session.isOpen()) {
				throw new Refused(504, 'unknown', 'The connection was lost');
			}
			log('bridge.send.failed', { session: this.session.id, ...kindOf(error) });
			throw new Refused(504, 'unknown', 'The library failed');
		}
		const node = await answered;
		if (!node) {
			throw new Refused(504, 'unknown', 'No acknowledgement came');
		}
		return node.tag === 'ack' && node.attrs.error ? Number(node.attrs.error) : null;
	}

	/** What a person does before a text goes out. @param {import('baileys').WASocket} socket @param {string} jid @param {string} text */
	async #behave(socket, jid, text) {
		if (this.pace.typingMs === 0) {
			return;
		}
		try {
			await this.#read(socket, null, jid);
			await socket.sendPresenceUpdate('composing', jid);
			await new Promise((resolve) => setTimeout(resolve, Math.min(this.pace.typingMs, 500 + text.length * 15)));
		} catch (error) {
			// Good manners must not keep a text back.
			log('bridge.typing.failed', { session: this.session.id, ...kindOf(error) });
		}
	}

	/** @param {import('baileys').WASocket} socket @param {string | null} waId the chat's last one when null @param {string} jid */
	async #read(socket, waId, jid) {
		const id = waId ?? this.session.lastOf.get(jid);
		if (id) {
			const key = this.session.recent.get(id)?.key ?? { remoteJid: jid, id, fromMe: false };
			await socket.sendReceipts([key], await this.#readType(socket));
		}
	}

	/** Who has switched read receipts off on the phone sends none from here. @param {import('baileys').WASocket} socket */
	async #readType(socket) {
		if (this.#isPrivacyUnknown) {
			return 'read';
		}
		const asked = socket.fetchPrivacySettings().catch(() => undefined);
		const settings = await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, PRIVACY_MS).unref())]);
		// A server that does not answer is not asked for each message again.
		this.#isPrivacyUnknown = settings === undefined;
		return (settings?.readreceipts ?? 'all') === 'all' ? 'read' : 'read-self';
	}

	/** @param {string} waId @param {string} jid @returns {import('baileys').WAMessage} */
	#quoted(waId, jid) {
		const known = this.session.recent.get(waId);
		const key = known?.key ?? { remoteJid: jid, id: waId, fromMe: false };
		// Phones show their own copy of what is quoted; the text is for those that have none.
		return /** @type {any} */ ({ key, message: { conversation: known?.text ?? '…' } });
	}

	/** Asks first: writing to numbers without WhatsApp gets accounts locked. @param {import('baileys').WASocket} socket @param {string} phone */
	async #jidOf(socket, phone) {
		const jid = `${phone.slice(1)}@s.whatsapp.net`;
		if (!this.#known.get(jid)) {
			const found = await socket.onWhatsApp(phone);
			if (found === undefined) {
				throw new Refused(504, 'unknown', 'No answer about the number');
			}
			if (!found[0]?.exists) {
				throw new Refused(422, 'no_whatsapp');
			}
			this.#known.set(jid, true);
			return jidDecode(found[0].jid) ? found[0].jid : jid;
		}
		return jid;
	}
}
