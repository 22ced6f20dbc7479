/** The chain of certificates that the server shows in its Noise handshake: root, intermediate, leaf. */
import { Curve, proto } from 'baileys';

/**
 * @typedef {{ public: Buffer, private: Buffer }} KeyPair X25519, 32 bytes each
 * @typedef {{ root: KeyPair, intermediate: KeyPair, leaf: KeyPair }} ChainKeys
 */

/** Serial of the root, as WhatsApp's clients expect it in the intermediate certificate. */
const ROOT_SERIAL = 0;
const INTERMEDIATE_SERIAL = 1;
const LEAF_SERIAL = 2;
const TEN_YEARS_SECONDS = 10 * 365 * 24 * 3600;

/** @returns {ChainKeys} */
export function newChainKeys() {
	return { root: newKeyPair(), intermediate: newKeyPair(), leaf: newKeyPair() };
}

/** @returns {KeyPair} */
export function newKeyPair() {
	const pair = Curve.generateKeyPair();
	return { public: Buffer.from(pair.public), private: Buffer.from(pair.private) };
}

/**
 * Builds the signed chain for the payload of the server's hello. The leaf's key is the server's
 * static Noise key: a careful client compares the two.
 *
 * @param {ChainKeys} keys
 * @returns {Uint8Array} an encoded `CertChain`
 */
export function signedChain(keys) {
	const notBefore = Math.floor(Date.now() / 1000) - 3600;
	const notAfter = notBefore + TEN_YEARS_SECONDS;
	const intermediate = proto.CertChain.NoiseCertificate.Details.encode({
		serial: INTERMEDIATE_SERIAL,
		issuerSerial: ROOT_SERIAL,
		key: keys.intermediate.public,
		notBefore,
		notAfter
	}).finish();
	const leaf = proto.CertChain.NoiseCertificate.Details.encode({
		serial: LEAF_SERIAL,
		issuerSerial: INTERMEDIATE_SERIAL,
		key: keys.leaf.public,
		notBefore,
		notAfter
	}).finish();
	return proto.CertChain.encode({
		intermediate: { details: intermediate, signature: Curve.sign(keys.root.private, intermediate) },
		leaf: { details: leaf, signature: Curve.sign(keys.intermediate.private, leaf) }
	}).finish();
}
