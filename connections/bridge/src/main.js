/** Starts one process of the bridge; `--help` tells the settings. */
// Before anything that might print keys.
import './console_filter.js';
import { Bridge } from './bridge.js';
import { kindOf, log } from './log.js';
import { watchMemory } from './recycling.js';
import { HELP, readSettings, WrongSetting } from './settings.js';

const END_WITHIN_MS = 15_000;
const MOST_CRASHES = 20;
const CRASHES_WITHIN_MS = 60_000;

/** @type {number[]} */
let crashes = [];

const unknown = process.argv.slice(2).find((word) => word !== '--help' && word !== '-h');
if (unknown !== undefined) {
	process.stderr.write(`${unknown} is not known: settings come from the environment. See --help.\n`);
	process.exit(2);
} else if (process.argv.length > 2) {
	process.stdout.write(HELP);
} else {
	await run();
}

/**
 * What was under way on a line that has closed: the library lets many of these fall at once, and they are
 * nobody's fault.
 *
 * @param {any} error
 */
function isOfClosing(error) {
	return error?.name === 'Closed' || [408, 428].includes(error?.output?.statusCode);
}

async function run() {
	let settings;
	try {
		settings = readSettings(process.env);
	} catch (error) {
		if (!(error instanceof WrongSetting)) {
			throw error;
		}
		process.stderr.write(`${error.message}. See --help.\n`);
		process.exit(2);
	}
	const bridge = new Bridge(settings);
	let isEnding = false;
	const end = async (/** @type {string} */ why, /** @type {number} */ code) => {
		if (isEnding) {
			return;
		}
		isEnding = true;
		log('bridge.process.ending', { why });
		setTimeout(() => process.exit(1), END_WITHIN_MS).unref();
		await bridge.stop();
		process.exit(code);
	};
	const fail = (/** @type {unknown} */ error) => {
		// An error inside the library, out of reach of a session's own supervision, is one session's
		// fault: ending would cut all. Many of them are the process's fault.
		log('bridge.process.crashed', kindOf(error));
		if (isOfClosing(error)) {
			return;
		}
		const now = Date.now();
		crashes = [...crashes.filter((at) => now - at < CRASHES_WITHIN_MS), now];
		if (crashes.length > MOST_CRASHES) {
			void end('crashes', 1);
		}
	};
	process.on('uncaughtException', fail);
	process.on('unhandledRejection', fail);
	process.on('SIGTERM', () => void end('SIGTERM', 0));
	process.on('SIGINT', () => void end('SIGINT', 0));
	try {
		await bridge.start();
	} catch (error) {
		log('bridge.process.failed', kindOf(error));
		process.stderr.write(`The bridge could not start: ${/** @type {any} */ (error)?.code ?? 'see the log'}.\n`);
		process.exit(1);
	}
	watchMemory(settings, (why) => void end(why, 0));
}
