-- The ledger: one truth that every daemon reads and that few may append to.
--
-- Insert-only for every role (roles.sql grants no UPDATE or DELETE): request, issuance, certificate, revocation,
-- order_acceptance, decision, decision_member, crl, log_entry, log_tile, log_checkpoint, policy, issuer, agreement.
-- Work tables, which move: application (only along application_transition), issue_queue, log_pending, key_claim,
-- crl_counter, notification, order_pending.
--
-- Instants that a certificate or a log entry carries are bigint Unix time (_at seconds, _at_ms milliseconds): they are
-- compared byte for byte elsewhere. Housekeeping instants are timestamptz.
-- Serial numbers are the content octets of the DER INTEGER (big-endian, minimal, positive). SHA-256 digests are 32 octets.

CREATE DOMAIN sha256 AS bytea CHECK (octet_length(VALUE) = 32);
CREATE DOMAIN serial_number AS bytea CHECK (octet_length(VALUE) BETWEEN 1 AND 20);

-- ---------------------------------------------------------------- issuers and policy

CREATE TABLE issuer (
	name            text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,15}$'),
	certificate     bytea NOT NULL,
	root            bytea NOT NULL,
	created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE responder (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	issuer          text NOT NULL REFERENCES issuer,
	certificate     bytea NOT NULL UNIQUE,
	not_after_at    bigint NOT NULL,
	created_at      timestamptz NOT NULL DEFAULT now()
);

-- SignedPolicy in DER (common/x509/authority.h); the highest version is in force.
CREATE TABLE policy (
	version         bigint PRIMARY KEY CHECK (version > 0),
	der             bytea NOT NULL,
	created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE agreement (
	digest          sha256 PRIMARY KEY,
	version         text NOT NULL,
	text            bytea NOT NULL,
	created_at      timestamptz NOT NULL DEFAULT now()
);

-- ---------------------------------------------------------------- applications

CREATE TABLE application_transition (
	from_state      text NOT NULL,
	to_state        text NOT NULL,
	PRIMARY KEY (from_state, to_state)
);

CREATE TABLE application (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	number          text NOT NULL UNIQUE,
	submit_digest   sha256 NOT NULL UNIQUE,       -- the same submission sent twice finds its number again
	kind            text NOT NULL,
	channel         text NOT NULL CHECK (channel IN ('remote', 'counter', 'renewal', 'administration')),
	state           text NOT NULL DEFAULT 'submitted',
	issuer          text NOT NULL REFERENCES issuer,
	iin             text NOT NULL,
	surname         text NOT NULL,
	given_name      text NOT NULL,
	patronymic      text NOT NULL DEFAULT '',
	email           text NOT NULL DEFAULT '',
	phone           text NOT NULL DEFAULT '',
	bin             text NOT NULL DEFAULT '',
	organisation    text NOT NULL DEFAULT '',
	treasury_role   text NOT NULL DEFAULT '',
	treasury_client text NOT NULL DEFAULT '',
	system_oid      text NOT NULL DEFAULT '',
	dns_names       text NOT NULL DEFAULT '',     -- separated by one space
	key_storage     text NOT NULL,                -- OID in dotted form
	language        text NOT NULL DEFAULT 'ru' CHECK (language IN ('kk', 'ru', 'en')),
	office          text NOT NULL DEFAULT '',
	entered_by      text NOT NULL DEFAULT '',     -- person (IIN) of the operator; empty: the applicant
	agreement       sha256 NOT NULL REFERENCES agreement,
	submitted_at    timestamptz NOT NULL DEFAULT now(),
	state_at        timestamptz NOT NULL DEFAULT now(),
	expires_at      timestamptz NOT NULL,
	claimed_by      text,
	claimed_until   timestamptz,
	code_hash       bytea,
	code_tries      smallint NOT NULL DEFAULT 0,
	code_expires_at timestamptz,
	code_sends      smallint NOT NULL DEFAULT 0,
	code_sent_at    timestamptz,
	confirmed_at    timestamptz,                  -- the one-time code was right
	identify_at     timestamptz,                  -- when the identification service is asked (again); NULL: not now
	identification_tries smallint NOT NULL DEFAULT 0,
	reason          text NOT NULL DEFAULT '',
	reason_text     text NOT NULL DEFAULT ''
);
CREATE INDEX application_open ON application (state, state_at)
	WHERE state NOT IN ('issued', 'delivered', 'rejected', 'withdrawn', 'expired');
CREATE INDEX application_identify ON application (identify_at) WHERE identify_at IS NOT NULL;
CREATE INDEX application_iin ON application (iin);
CREATE INDEX application_bin ON application (bin) WHERE bin <> '';

CREATE FUNCTION application_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.state <> OLD.state AND NOT EXISTS (
		SELECT FROM application_transition t WHERE t.from_state = OLD.state AND t.to_state = NEW.state) THEN
		RAISE EXCEPTION 'application %: no transition from % to %', OLD.number, OLD.state, NEW.state
			USING ERRCODE = 'check_violation', CONSTRAINT = 'application_transition';
	END IF;
	IF (NEW.id, NEW.number, NEW.submit_digest, NEW.kind, NEW.channel, NEW.issuer, NEW.entered_by, NEW.agreement, NEW.submitted_at)
	   IS DISTINCT FROM
	   (OLD.id, OLD.number, OLD.submit_digest, OLD.kind, OLD.channel, OLD.issuer, OLD.entered_by, OLD.agreement, OLD.submitted_at) THEN
		RAISE EXCEPTION 'application %: a fixed column was changed', OLD.number USING ERRCODE = 'check_violation';
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER application_guard BEFORE UPDATE ON application FOR EACH ROW EXECUTE FUNCTION application_guard();

-- The legal pairs; ra/state.c decides who may cause which (tests/schema holds both to the same list).
INSERT INTO application_transition VALUES
	('submitted', 'awaiting_confirmation'), ('submitted', 'awaiting_head'), ('submitted', 'in_review'),
	('submitted', 'awaiting_documents'), ('submitted', 'approved'), ('submitted', 'approved_once'), ('submitted', 'rejected'),
	('submitted', 'withdrawn'), ('submitted', 'expired'),
	('awaiting_confirmation', 'submitted'), ('awaiting_confirmation', 'awaiting_head'),
	('awaiting_confirmation', 'approved'), ('awaiting_confirmation', 'approved_once'),
	('awaiting_confirmation', 'returned'), ('awaiting_confirmation', 'rejected'),
	('awaiting_confirmation', 'withdrawn'), ('awaiting_confirmation', 'expired'),
	('awaiting_documents', 'submitted'), ('awaiting_documents', 'withdrawn'), ('awaiting_documents', 'expired'),
	('awaiting_documents', 'rejected'),
	('awaiting_head', 'submitted'), ('awaiting_head', 'approved'), ('awaiting_head', 'approved_once'),
	('awaiting_head', 'rejected'), ('awaiting_head', 'withdrawn'), ('awaiting_head', 'expired'),
	('in_review', 'submitted'), ('in_review', 'awaiting_documents'), ('in_review', 'returned'),
	('in_review', 'approved_once'), ('in_review', 'approved'), ('in_review', 'rejected'),
	('in_review', 'withdrawn'), ('in_review', 'expired'),
	('returned', 'submitted'), ('returned', 'awaiting_confirmation'), ('returned', 'withdrawn'), ('returned', 'expired'),
	('returned', 'rejected'),
	('approved_once', 'approved'), ('approved_once', 'rejected'), ('approved_once', 'withdrawn'), ('approved_once', 'expired'),
	('approved_once', 'returned'),
	('approved', 'issuing'), ('approved', 'withdrawn'), ('approved', 'rejected'),
	('issuing', 'issued'), ('issuing', 'rejected'),
	('issued', 'delivered');

-- A request for one certificate. The Authorisation is what people decide on and what the signer renders from.
CREATE TABLE request (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	application_id  bigint NOT NULL REFERENCES application,
	purpose         text NOT NULL,
	issuer          text NOT NULL REFERENCES issuer,
	profile         text NOT NULL,
	csr             bytea NOT NULL,
	spki_sha256     sha256 NOT NULL,
	authorisation   bytea NOT NULL,
	digest          sha256 NOT NULL UNIQUE,       -- SHA-256 of the Authorisation
	created_at      timestamptz NOT NULL DEFAULT now(),
	UNIQUE (application_id, purpose)
);

-- A public key belongs to one open application or one certificate, for ever once certified. Rows of applications that
-- ended without a certificate are removed.
CREATE TABLE key_claim (
	spki_sha256     sha256 PRIMARY KEY,
	application_id  bigint REFERENCES application
);

CREATE TABLE application_document (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	application_id  bigint NOT NULL REFERENCES application,
	name            text NOT NULL,
	media_type      text NOT NULL,
	sha256          sha256 NOT NULL,
	bytes           bytea NOT NULL,
	added_by        text NOT NULL,
	created_at      timestamptz NOT NULL DEFAULT now()
);

-- ---------------------------------------------------------------- decisions

-- Decision and its detached CMS as they were received; person and role as the staff table (or certificate) had them then.
CREATE TABLE decision (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	digest          sha256 NOT NULL UNIQUE,       -- SHA-256 of the Decision
	der             bytea NOT NULL,
	cms             bytea NOT NULL,
	kind            smallint NOT NULL,
	verdict         smallint NOT NULL,
	person          text NOT NULL,
	role            text NOT NULL,                -- operator, senior, administrator, identification, holder, head, delegate
	key_sha256      sha256 NOT NULL,
	expires_at      bigint NOT NULL,
	created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE decision_member (
	member          sha256 NOT NULL,              -- digest of an Authorisation or StatusOrder
	decision_id     bigint NOT NULL REFERENCES decision,
	PRIMARY KEY (member, decision_id)
);

-- ---------------------------------------------------------------- issuance

-- Approved requests that have no certificate yet. rad inserts in the approving transaction, cad deletes in the issuing one.
CREATE TABLE issue_queue (
	request_id      bigint PRIMARY KEY REFERENCES request,
	enqueued_at     timestamptz NOT NULL DEFAULT now(),
	attempts        integer NOT NULL DEFAULT 0,
	retry_at        timestamptz NOT NULL DEFAULT now(),
	last_error      text NOT NULL DEFAULT ''
) WITH (fillfactor = 70);
CREATE INDEX issue_queue_due ON issue_queue (retry_at, request_id);

-- Write-ahead: committed before the signer is asked. A request may have several (the signer was away for so long that the
-- first notBefore was out of its window); it signs one of them and gives that one for ever.
CREATE TABLE issuance (
	request_id      bigint NOT NULL REFERENCES request,
	issuer          text NOT NULL REFERENCES issuer,
	serial          serial_number NOT NULL,
	not_before_at   bigint NOT NULL,
	not_after_at    bigint NOT NULL,
	tbs             bytea NOT NULL,
	created_at      timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (issuer, serial)
);
CREATE INDEX issuance_request ON issuance (request_id);

CREATE TABLE certificate (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	issuer          text NOT NULL REFERENCES issuer,
	serial          serial_number NOT NULL,
	request_id      bigint UNIQUE REFERENCES request,
	origin          text NOT NULL CHECK (origin IN ('issued', 'ceremony', 'adopted')),
	profile         text NOT NULL,
	purpose         text NOT NULL DEFAULT '',
	channel         text NOT NULL DEFAULT '',
	der             bytea NOT NULL,
	sha256          sha256 NOT NULL,
	spki_sha256     sha256 NOT NULL,
	iin             text NOT NULL DEFAULT '',
	bin             text NOT NULL DEFAULT '',
	common_name     text NOT NULL DEFAULT '',
	not_before_at   bigint NOT NULL,
	not_after_at    bigint NOT NULL,
	journal_seq     bigint,                       -- number of the signer's event
	created_at      timestamptz NOT NULL DEFAULT now(),
	UNIQUE (issuer, serial)
);
CREATE INDEX certificate_iin ON certificate (iin) WHERE iin <> '';
CREATE INDEX certificate_bin ON certificate (bin) WHERE bin <> '';

-- ---------------------------------------------------------------- status

-- Signed orders: action 1 revoke, 2 hold, 3 release; reason by RFC 5280 §5.3.1.
CREATE TABLE revocation (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	certificate_id  bigint NOT NULL REFERENCES certificate,
	issuer          text NOT NULL REFERENCES issuer,
	serial          serial_number NOT NULL,
	action          smallint NOT NULL CHECK (action BETWEEN 1 AND 3),
	reason          smallint NOT NULL CHECK (reason BETWEEN 0 AND 10),
	invalidity_at   bigint,
	revoked_at      bigint NOT NULL,              -- Unix seconds: revocationDate in CRL and OCSP
	ground          text NOT NULL DEFAULT '',
	der             bytea NOT NULL,               -- StatusOrder
	digest          sha256 NOT NULL UNIQUE,
	ordered_by      text NOT NULL,
	created_at      timestamptz NOT NULL DEFAULT now(),
	FOREIGN KEY (issuer, serial) REFERENCES certificate (issuer, serial)
);
CREATE INDEX revocation_certificate ON revocation (certificate_id, id);
CREATE UNIQUE INDEX revocation_once ON revocation (certificate_id) WHERE action = 1;

-- Orders that wait for a second person's decision (design section 4: release). They are work, not status: the revocation
-- row is written when the decisions suffice, and the row here removed; rad removes those that expired, too.
CREATE TABLE order_pending (
	digest          sha256 PRIMARY KEY,
	certificate_id  bigint NOT NULL REFERENCES certificate,
	der             bytea NOT NULL,               -- StatusOrder
	ordered_by      text NOT NULL,
	expires_at      bigint NOT NULL,
	created_at      timestamptz NOT NULL DEFAULT now()
);

-- What the signer accepted, with its number in the signer's event sequence. cad inserts.
CREATE TABLE order_acceptance (
	order_id        bigint PRIMARY KEY REFERENCES revocation,
	seq             bigint NOT NULL UNIQUE,
	created_at      timestamptz NOT NULL DEFAULT now()
);

-- ---------------------------------------------------------------- certificate revocation lists

-- The row lock on (issuer, scope) orders all writers of that list; full and delta share the sequence.
CREATE TABLE crl_counter (
	issuer          text NOT NULL REFERENCES issuer,
	scope           text NOT NULL DEFAULT '',
	last_number     bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (issuer, scope)
);

CREATE TABLE crl (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	issuer          text NOT NULL REFERENCES issuer,
	scope           text NOT NULL DEFAULT '',     -- shard, empty: the whole issuer
	kind            text NOT NULL CHECK (kind IN ('full', 'delta')),
	number          bigint NOT NULL CHECK (number > 0),
	base_number     bigint,
	this_update_at  bigint NOT NULL,
	next_update_at  bigint NOT NULL,
	num_entries     bigint NOT NULL,
	size_bytes      bigint NOT NULL,
	sha256          sha256 NOT NULL,
	order_seq       bigint NOT NULL,              -- watermark: accepted orders up to this number are in it
	created_at      timestamptz NOT NULL DEFAULT now(),
	UNIQUE (issuer, scope, kind, number)
);

-- ---------------------------------------------------------------- the log

-- Written in the transaction of the change that it tells of; the sequencer moves it to log_entry.
CREATE TABLE log_pending (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind            text NOT NULL,
	at_ms           bigint NOT NULL,
	entry           bytea NOT NULL,               -- LogEntry in DER (common/tlog/leaf.h)
	salt            bytea NOT NULL CHECK (octet_length(salt) = 16),
	application_id  bigint,
	certificate_id  bigint,
	order_id        bigint
) WITH (fillfactor = 90);

CREATE TABLE log_entry (
	idx             bigint PRIMARY KEY CHECK (idx >= 0),
	kind            text NOT NULL,
	at_ms           bigint NOT NULL,
	entry           bytea NOT NULL,
	salt            bytea NOT NULL,
	leaf_hash       sha256 NOT NULL,              -- RFC 6962 §2.1: SHA-256(0x00 || SHA-256(salt || entry))
	application_id  bigint,
	certificate_id  bigint,
	order_id        bigint
);
CREATE INDEX log_entry_application ON log_entry (application_id) WHERE application_id IS NOT NULL;
CREATE INDEX log_entry_order ON log_entry (order_id) WHERE order_id IS NOT NULL;

-- Complete tiles only (C2SP tlog-tiles, 256 hashes); partial ones are computed from log_entry.
CREATE TABLE log_tile (
	level           smallint NOT NULL,
	n               bigint NOT NULL,
	hashes          bytea NOT NULL CHECK (octet_length(hashes) = 8192),
	PRIMARY KEY (level, n)
);

CREATE TABLE log_checkpoint (
	size            bigint PRIMARY KEY CHECK (size >= 0),
	root            sha256 NOT NULL,
	note            text NOT NULL,                -- C2SP signed note
	at_ms           bigint NOT NULL
);

-- ---------------------------------------------------------------- notices (transactional outbox)

CREATE TABLE notification (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	dedup_key       text NOT NULL UNIQUE,
	application_id  bigint REFERENCES application,
	medium          text NOT NULL CHECK (medium IN ('sms', 'mail')),
	address         text NOT NULL,
	template        text NOT NULL,
	language        text NOT NULL,
	fields          text NOT NULL DEFAULT '{}',   -- JSON, what the template fills in
	state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'failed')),
	attempts        integer NOT NULL DEFAULT 0,
	next_at         timestamptz NOT NULL DEFAULT now(),
	last_error      text NOT NULL DEFAULT '',
	created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notification_due ON notification (next_at) WHERE state = 'pending';
