/** A client that is not linked yet shows QR codes; a phone scans one and signs for the new device. */
import { randomBytes } from 'node:crypto';
import { hmacSign, KEY_BUNDLE_TYPE, proto, WA_ADV_ACCOUNT_SIG_PREFIX, WA_ADV_DEVICE_SIG_PREFIX } from 'baileys';
import { bytes, child, node, number, SERVER, stanzaId, unixNow } from './nodes.js';
import { isSigned } from './signal_party.js';

/**
 * @typedef {import('./connection.js').Connection} Connection
 * @typedef {import('./people.js').Account} Account
 * @typedef {import('./people.js').LinkedDevice} LinkedDevice
 * @typedef {import('./nodes.js').Node} Node
 * @typedef {object} Forgery what to get wrong on purpose, so that the client must refuse
 * @property {boolean} [hmac]
 * @property {boolean} [accountSignature]
 */

/** Refs that a client gets to show, one after the other. */
const REF_COUNT = 6;
/** The first is shown for 60 s, the others for 20 s each. */
const REFS_LAST_MS = 160_000;

/** A client that waits to be linked. Kept at its connection. */
export class Registration {
	/**
	 * @param {Connection} connection
	 * @param {proto.ClientPayload.IDevicePairingRegistrationData} data throws when it is not signed well
	 * @param {import('./quirks.js').Quirks} quirks
	 */
	constructor(connection, data, quirks) {
		this.connection = connection;
		this.quirks = quirks;
		this.identity = Buffer.from(data.eIdent ?? []);
		this.registrationId = number(Buffer.from(data.eRegid ?? []));
		this.signedPreKey = {
			id: number(Buffer.from(data.eSkeyId ?? [])),
			key: Buffer.from(data.eSkeyVal ?? []),
			signature: Buffer.from(data.eSkeySig ?? [])
		};
		this.platform = platformOf(data);
		this.refs = Array.from({ length: REF_COUNT }, () => `2@${randomBytes(24).toString('base64')}`);
		this.expiresAt = Date.now() + REFS_LAST_MS;
		/** Secrets that the server does not accept any more. @type {Set<string>} */
		this.retiredSecrets = new Set();
		/** Id of a rotation that the client has not acknowledged. @type {string | null} */
		this.rotationId = null;
		/** @type {import('./pairing.js').CodePairing | null} */
		this.pairing = null;
		/**
		 * @type {{ id: string, account: Account, device: LinkedDevice, details: Uint8Array, done: (isLinked: boolean) => void } | null}
		 */
		this.signing = null;
		const signedKey = Buffer.concat([KEY_BUNDLE_TYPE, this.signedPreKey.key]);
		if (!isSigned(this.identity, signedKey, this.signedPreKey.signature)) {
			throw new Error('The signed pre-key of the registration is not signed by its identity');
		}
	}

	/** Gives the client the refs for its QR codes. */
	begin() {
		const refs = this.refs.map((ref) => node('ref', {}, Buffer.from(ref)));
		this.connection.send(
			node('iq', { from: SERVER, type: 'set', id: stanzaId(), xmlns: 'md' }, [node('pair-device', {}, refs)])
		);
	}

	/** Asks the client to choose a new secret and to show its QR again. @param {string} [secret] the one shown now */
	rotate(secret) {
		if (secret) {
			this.retiredSecrets.add(secret);
		}
		const refresh = [node('companion_reg_refresh')];
		if (this.quirks.refresh === 'iq') {
			this.rotationId = stanzaId();
			const attrs = { from: SERVER, type: 'set', id: this.rotationId, xmlns: 'md' };
			this.connection.send(node('iq', attrs, refresh));
			return;
		}
		const type = this.quirks.refresh === 'type' ? 'companion_reg_refresh' : 'companion_reg';
		this.rotationId = this.#notify(type, refresh);
	}

	/**
	 * Asks for a passkey, which only a browser on WhatsApp's own page can give.
	 *
	 * @param {import('./people.js').PasskeyNotice} type
	 */
	askForPasskey(type) {
		if (type === 'crsc_continuation') {
			this.#notify(type, [node('primary_ephemeral_identity', {}, randomBytes(32))]);
			return;
		}
		const options = {
			challenge: randomBytes(32).toString('base64url'),
			rpId: 'whatsapp.com',
			userVerification: 'required'
		};
		this.#notify(type, [node('passkey_request_options', {}, Buffer.from(JSON.stringify(options)))]);
	}

	/** @param {string} type @param {Node[]} content */
	#notify(type, content) {
		const id = stanzaId();
		this.connection.send(node('notification', { from: SERVER, type, id, t: unixNow() }, content));
		return id;
	}

	/**
	 * Lets the owner's phone sign for the device and tells the client. Resolves when the client has
	 * signed in its turn: false when it refused or did not answer in time.
	 *
	 * @param {Account} account
	 * @param {Buffer} secret shared by QR or by code
	 * @param {Forgery} forge
	 * @param {number} timeoutMs
	 * @returns {Promise<boolean>}
	 */
	async link(account, secret, forge, timeoutMs) {
		const device = this.#newDevice(account);
		const details = proto.ADVDeviceIdentity.encode({
			rawId: account.rawId,
			timestamp: unixNow(),
			keyIndex: device.keyIndex,
			accountType: proto.ADVEncryptionType.E2EE,
			deviceType: proto.ADVEncryptionType.E2EE
		}).finish();
		const accountKey = account.party.state.identity.public;
		const signature = account.party.sign(Buffer.concat([WA_ADV_ACCOUNT_SIG_PREFIX, details, this.identity]));
		const identity = proto.ADVSignedDeviceIdentity.encode({
			details,
			accountSignatureKey: accountKey,
			accountSignature: forge.accountSignature ? randomBytes(64) : signature
		}).finish();
		const hmac = forge.hmac ? randomBytes(32) : hmacSign(Buffer.from(identity), secret);
		const id = stanzaId();
		/** @type {Promise<boolean>} */
		const signed = new Promise((done) => {
			this.signing = { id, account, device, details, done };
			setTimeout(() => done(false), timeoutMs).unref();
		});
		this.connection.send(
			node('iq', { from: SERVER, type: 'set', id, xmlns: 'md', t: unixNow() }, [
				node('pair-success', {}, [
					node(
						'device-identity',
						{},
						proto.ADVSignedDeviceIdentityHMAC.encode({ details: identity, hmac }).finish()
					),
					node('device', {
						jid: account.jid('phone', device.number),
						lid: this.quirks.hasLids ? account.jid('lid', device.number) : undefined
					}),
					node('platform', { name: 'smba' }),
					node('biz', { name: account.name })
				])
			])
		);
		const isLinked = await signed;
		this.signing = null;
		return isLinked;
	}

	/**
	 * Takes the client's signature, enters the device, and asks for a login.
	 *
	 * @param {Node} answer to `pair-success`
	 */
	signed(answer) {
		const { signing } = this;
		if (answer.attrs.id === this.rotationId) {
			this.rotationId = null;
		}
		if (!signing || answer.attrs.id !== signing.id) {
			return;
		}
		const { account, device, details, done } = signing;
		const encoded = bytes(child(answer, 'pair-device-sign'), 'device-identity');
		const signature = encoded.length ? proto.ADVSignedDeviceIdentity.decode(encoded).deviceSignature : null;
		const signedData = Buffer.concat([
			WA_ADV_DEVICE_SIG_PREFIX,
			details,
			this.identity,
			account.party.state.identity.public
		]);
		if (!signature || !isSigned(this.identity, signedData, signature)) {
			done(false);
			return;
		}
		account.devices.set(device.number, device);
		account.nextDevice = device.number + 1;
		done(true);
		if (this.quirks.asksForRestart) {
			this.connection.streamError(515);
		}
	}

	/** The client hung up: whoever waits for it need not wait longer. */
	abandon() {
		this.signing?.done(false);
		this.pairing?.done?.({ error: 'The device hung up' });
	}

	/** @param {Account} account @returns {LinkedDevice} */
	#newDevice(account) {
		return {
			number: account.nextDevice,
			keyIndex: account.nextDevice,
			platform: this.platform,
			linkedAt: new Date().toISOString(),
			noiseKey: this.connection.clientKey,
			registrationId: this.registrationId,
			identity: this.identity,
			signedPreKey: this.signedPreKey,
			preKeys: [],
			pending: [],
			hasHistory: false
		};
	}
}

/** @param {proto.ClientPayload.IDevicePairingRegistrationData} data */
function platformOf(data) {
	const props = proto.DeviceProps.decode(Buffer.from(data.deviceProps ?? []));
	return `${proto.DeviceProps.PlatformType[props.platformType ?? 0]} (${props.os})`;
}

/**
 * Reads what a QR code says. Throws when it is no code for linking a device.
 *
 * @param {string} qr
 */
export function readQr(qr) {
	const [ref, noiseKey, identity, secret] = qr.replace(/^https:\/\/wa\.me\/settings\/linked_devices#/, '').split(',');
	if (!ref || !noiseKey || !identity || !secret) {
		throw new RangeError('This is no QR code of WhatsApp for linking a device');
	}
	return { ref, noiseKey: Buffer.from(noiseKey, 'base64'), identity: Buffer.from(identity, 'base64'), secret };
}
