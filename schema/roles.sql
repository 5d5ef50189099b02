-- One role per daemon, table by table, and nothing more. Rerun after every migration; starts from nothing each time.
-- The roles exist before this file runs (schema/migrate creates them); daemons log in as them and own nothing.

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, nuc_ra, nuc_ca, nuc_crl, nuc_ocsp, nuc_auditor;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO nuc_ra, nuc_ca, nuc_crl, nuc_ocsp, nuc_auditor;
GRANT SELECT ON schema_migration TO nuc_ra, nuc_ca, nuc_crl, nuc_ocsp, nuc_auditor;

-- rad: takes applications and decisions, orders statuses, prompts the issue. It cannot write certificates or the log itself.
GRANT SELECT ON issuer, responder, policy, agreement, application_transition, application, request, key_claim,
	application_document, decision, decision_member, issue_queue, issuance, certificate, revocation, order_acceptance,
	log_entry, log_pending, log_checkpoint, crl, notification, order_pending TO nuc_ra;
GRANT INSERT ON agreement, application, request, key_claim, application_document, decision, decision_member, issue_queue,
	revocation, order_pending, log_pending, notification TO nuc_ra;
GRANT UPDATE (state, state_at, iin, surname, given_name, patronymic, email, phone, organisation, office, expires_at, claimed_by,
	claimed_until, code_hash, code_tries, code_expires_at, code_sends, code_sent_at, confirmed_at, identify_at,
	identification_tries, reason, reason_text)
	ON application TO nuc_ra;
GRANT DELETE ON key_claim, issue_queue, order_pending TO nuc_ra;
GRANT UPDATE (state, attempts, next_at, last_error, fields) ON notification TO nuc_ra;

-- cad: issues, relays orders, sequences the log.
GRANT SELECT ON issuer, responder, policy, agreement, application_transition, application, request, decision, decision_member,
	issue_queue, issuance, certificate, revocation, order_acceptance, log_pending, log_entry, log_tile, log_checkpoint TO nuc_ca;
GRANT INSERT ON issuer, responder, policy, issuance, certificate, key_claim, order_acceptance, log_pending, log_entry, log_tile,
	log_checkpoint, crl_counter TO nuc_ca;
GRANT UPDATE (state, state_at, reason, reason_text) ON application TO nuc_ca;
GRANT UPDATE (attempts, retry_at, last_error) ON issue_queue TO nuc_ca;
GRANT DELETE ON issue_queue, log_pending, key_claim TO nuc_ca;
GRANT SELECT ON key_claim TO nuc_ca;

-- crld: reads statuses, records the lists it published.
GRANT SELECT ON issuer, certificate, revocation, order_acceptance, crl, crl_counter, log_entry, log_pending, log_tile,
	log_checkpoint TO nuc_crl;
GRANT INSERT ON crl, log_pending TO nuc_crl;
GRANT UPDATE (last_number) ON crl_counter TO nuc_crl;

-- ocspd: reads.
GRANT SELECT ON issuer, responder, certificate, issuance, revocation, order_acceptance, log_entry, log_pending, log_checkpoint TO nuc_ocsp;

-- auditor: reads all; its exports are logged.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO nuc_auditor;
GRANT INSERT ON log_pending TO nuc_auditor;
