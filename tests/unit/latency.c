/* Buckets of latencies: each value lies within its own, which is a sixteenth wide, and none is lost. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/latencies.h"
#include "latency.h"

static void a_value_lies_in_its_bucket(void **state)
{
    (void)state;
    assert_int_equal(latency_bucket(0), 0);
    assert_int_equal(latency_bucket(1023), 0);
    assert_int_equal(latency_end(0), 1024);
    for (uint64_t value = 1024; value < 1ull << 36; value += value / 37 + 1) {
        uint32_t bucket = latency_bucket(value);

        assert_in_range(bucket, 1, MAPSHARE_ABI_LATENCY_BUCKETS - 2);
        assert_true(value < latency_end(bucket) && value >= latency_end(bucket - 1));
        assert_true(latency_end(bucket) - latency_end(bucket - 1) <= value / 16);
    }
    assert_int_equal(latency_bucket(UINT64_MAX), MAPSHARE_ABI_LATENCY_BUCKETS - 1);
}

static void quantiles_are_near(void **state)
{
    static struct mapshare_abi_latency all;
    enum mapshare_abi_latency_kind kind = MAPSHARE_ABI_LATENCY_COMMIT;

    (void)state;
    assert_int_equal(latencies_quantile(&all, kind, 500), 0);
    for (uint64_t i = 1; i <= 1000; i++) /* microseconds */
        all.of[kind].counts[latency_bucket(i * 1000)]++;
    all.of[kind].most = 1000000;
    assert_int_equal(latencies_count(&all, kind), 1000);
    assert_in_range(latencies_quantile(&all, kind, 500), 500000, 500000 + 500000 / 16);
    assert_in_range(latencies_quantile(&all, kind, 990), 990000, 1000000);
    assert_int_equal(latencies_quantile(&all, kind, 999), 1000000);
    assert_int_equal(latencies_count(&all, MAPSHARE_ABI_LATENCY_STALL), 0);
}

static void what_is_added_is_counted(void **state)
{
    static struct latency latency;

    (void)state;
    latency_add(&latency, clock_nanoseconds() - 5000000);
    assert_true(latency.most >= 5000000 && latency.sum == latency.most);
    assert_int_equal(latency.counts[latency_bucket(latency.most)], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_lies_in_its_bucket),
        cmocka_unit_test(quantiles_are_near),
        cmocka_unit_test(what_is_added_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
