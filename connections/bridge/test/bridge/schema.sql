-- The three tables of PROTOCOL.md for the tests of the bridge alone; Backroom's migrations make the real ones.
create table connections_linkedsession (
	id uuid primary key,
	workspace_id bigint not null default 1,
	connection_id bigint not null default 1,
	wanted text not null default 'on',
	link_serial integer not null default 0,
	link_method text not null default 'qr',
	link_phone text,
	linked_serial integer not null default 0,
	state text not null default 'new',
	state_code integer,
	state_reason text,
	state_until timestamptz,
	state_at timestamptz,
	pairing jsonb,
	phone text,
	lid text,
	push_name text,
	owner text,
	owner_url text,
	epoch bigint not null default 0,
	lease_until timestamptz,
	creds bytea,
	data_key bytea,
	key_id text
);

create table connections_linkedkey (
	session_id uuid not null references connections_linkedsession,
	kind text not null,
	name text not null,
	value bytea not null,
	primary key (session_id, kind, name)
) with (fillfactor = 80);

create table connections_linkedsent (
	session_id uuid not null references connections_linkedsession,
	wa_id text not null,
	opaque text not null,
	message bytea not null,
	created_at timestamptz not null,
	primary key (session_id, wa_id)
);
