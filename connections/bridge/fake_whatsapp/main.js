/** Runs the local WhatsApp server: `node connections/bridge/fake_whatsapp/main.js --help`. */
import { parseArgs } from 'node:util';
import { startControl } from './control.js';
import { hushLibsignal } from './hush.js';
import { FakeWhatsApp } from './server.js';

const HELP = `Usage: main.js --port N --control-port M [--state FILE] [--account PHONE=NAME]... [--customer PHONE=NAME]...

A WhatsApp server on this machine, for tests and for trying things out. Linked devices
connect to it instead of to WhatsApp; its control API plays the phones.

  --port N               where linked devices connect (0: any free port)
  --control-port M       where the control API listens (0: any free port); GET / lists it
  --state FILE           keep accounts, devices and keys in FILE over restarts
  --account PHONE=NAME   an account to begin with
  --customer PHONE=NAME  a customer to begin with
  --help                 show this

When it is ready it prints one line: the word "ready" and a JSON object with "url",
"rootKey" (hex; what clients must trust) and "control". It ends on SIGTERM and SIGINT.
`;

const options = read();
if (options.help) {
	process.stdout.write(HELP);
} else {
	await run().catch(giveUp);
}

/** What was asked for; ends the process with 2 when it cannot be read. */
function read() {
	try {
		const { values } = parseArgs({
			options: {
				port: { type: 'string', default: '0' },
				'control-port': { type: 'string', default: '0' },
				state: { type: 'string' },
				account: { type: 'string', multiple: true, default: [] },
				customer: { type: 'string', multiple: true, default: [] },
				help: { type: 'boolean', default: false }
			}
		});
		return {
			help: values.help,
			port: portOf('--port', values.port),
			controlPort: portOf('--control-port', values['control-port']),
			state: values.state,
			accounts: values.account.map(split),
			customers: values.customer.map(split)
		};
	} catch (error) {
		process.stderr.write(`${/** @type {Error} */ (error).message} See --help.\n`);
		process.exit(2);
	}
}

/** @param {unknown} error */
function giveUp(error) {
	const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
	const isTaken = code === 'EADDRINUSE';
	process.stderr.write(`The server could not start: ${isTaken ? 'the port is taken' : message}.\n`);
	process.exit(1);
}

async function run() {
	hushLibsignal();
	const server = await new FakeWhatsApp({ port: options.port, stateFile: options.state }).start();
	for (const [phone, name] of options.accounts) {
		if (!server.people.accounts.has(phone)) {
			server.desk.addAccount({ phone, name });
		}
	}
	for (const [phone, name] of options.customers) {
		if (!server.people.customers.has(phone)) {
			server.desk.addCustomer({ phone, name });
		}
	}
	const control = await startControl(server.desk, options.controlPort);
	const { port } = /** @type {import('node:net').AddressInfo} */ (control.address());
	const ready = { url: server.url, rootKey: server.rootKey, control: `http://127.0.0.1:${port}` };
	process.stdout.write(`ready ${JSON.stringify(ready)}\n`);
	for (const signal of ['SIGTERM', 'SIGINT']) {
		process.once(signal, async () => {
			control.close();
			control.closeAllConnections();
			await server.stop();
			process.exit(0);
		});
	}
}

/** @param {string} name @param {string} value */
function portOf(name, value) {
	const port = Number(value);
	if (value.trim() === '' || !Number.isInteger(port) || port < 0 || port > 65_535) {
		throw new Error(`${name} must be a whole number from 0 to 65535.`);
	}
	return port;
}

/** @param {string} pair @returns {[string, string]} digits and name */
function split(pair) {
	const [phone, ...name] = pair.split('=');
	const digits = phone.replace(/\D/g, '');
	if (digits.length < 8 || digits.length > 15) {
		throw new Error(`${pair} must be PHONE=NAME, the number with its country's code.`);
	}
	return [digits, name.join('=')];
}
