/*
 * signer_journal_fuzz.c - the records of the signer's journal against arbitrary bytes.
 *
 * Beside not crashing: a record that is read is, written again, the same bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "ca/sign/journal_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct der_reader in;

	der_reader_init(&in, SLICE(data, size));
	while (!der_reader_done(&in)) {
		OWN(buf) again = BUF_INIT(8 << 20);
		struct journal_record record;
		const uint8_t *from = in.p;
		OWN(err) e = journal_record_decode(&record, &in);

		if (e != NULL)
			return 0;
		OWN(err) failed = journal_record_encode(&again, &record);
		if (failed != NULL || !slice_equal(buf_slice(&again), SLICE(from, (size_t)(in.p - from))))
			abort();
	}
	return 0;
}
