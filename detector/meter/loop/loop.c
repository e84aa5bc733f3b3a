/* The packet loop in C: `detector/meter/pure.py` says the same in Python, and is what it is tested against.
 *
 * Ours is when a flow ends and in which order flows leave; parsing and arithmetic are NFStream's, whose
 * functions come in `struct settings`. No call blocks, and none needs Python: the interpreter runs other
 * threads meanwhile. Rows go into memory that Python gives; where it is full the loop stops between two
 * flows, and goes on from there with the next call.
 */
#include <math.h>
#include <stddef.h>

#include "loop.h"
#include "lru.h"

#define TCP 6
#define FIN_BIT 1
#define SYN_BIT 2
#define RST_BIT 4
#define ACK_BIT 16
#define NEVER (UINT64_C(1) << 63)
#define STATISTICS 1
#define IPV4_MAPPED UINT64_C(0xFFFF0000) /* bytes 8 to 11 of the address: 00 00 ff ff */
#define ROWS_A_PACKET 3                  /* one evicted, one cut, one closed */

struct entry {
    void *flow;
    uint8_t swapped, flipped, closing;
    uint8_t resets; /* whether every packet is a reset */
};

struct meter {
    struct state state; /* first: Python sees it at the meter's own address */
    struct settings settings;
    struct lru flows, senders;
    struct entry *entries;
    uint8_t *first_senders;
};

static uint64_t word_at(const void *start, uint64_t at)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)start + at, sizeof word);
    return word;
}

/* ---- finished flows ---- */

static void map_ipv4(uint8_t *address)
{
    uint64_t words[2] = {0, word_at(address, 0) << 32 | IPV4_MAPPED};
    memcpy(address, words, sizeof words);
}

static void deviate(const struct settings *known, uint8_t *row)
{
    for (uint64_t index = 0; index < known->deviation_count; index++) {
        const struct deviation *one = known->deviations + index;
        int64_t degrees = (int64_t)word_at(row, one->packets_at) - one->lost;
        double value = 0.0;
        if (degrees > 0) {
            memcpy(&value, row + one->at, sizeof value);
            value = sqrt(value / (double)degrees);
        }
        memcpy(row + one->at, &value, sizeof value);
    }
}

static void export_flow(struct meter *meter, const struct entry *entry, enum expiry reason, uint64_t time)
{
    const struct settings *known = &meter->settings;
    uint8_t *row = meter->state.rows + meter->state.row_count++ * known->row_bytes;
    uint16_t source = (uint16_t)known->source;
    const struct span *span = known->spans[entry->flipped];
    for (uint64_t left = known->span_counts[entry->flipped]; left > 0; left--, span++)
        memcpy(row + span->to, (uint8_t *)entry->flow + span->from, span->bytes);
    if (row[known->version_at] == 4) {
        map_ipv4(row + known->src_ip_at);
        map_ipv4(row + known->dst_ip_at);
    }
    deviate(known, row);
    row[known->reason_at] = (uint8_t)reason;
    memcpy(row + known->export_at, &time, sizeof time);
    memcpy(row + known->source_at, &source, sizeof source);
}

/* ---- the directions of conversations ---- */

static int forget_sender(struct meter *meter, const uint64_t *key)
{
    uint32_t place = lru_find(&meter->senders, key, lru_hash(&meter->senders, key));
    if (place == NOWHERE)
        return 0;
    lru_remove(&meter->senders, place);
    meter->state.remembered = meter->senders.count;
    return 1;
}

static void remember_sender(struct meter *meter, const uint64_t *key, uint8_t known)
{
    struct lru *senders = &meter->senders;
    uint64_t hash = lru_hash(senders, key);
    uint32_t place = lru_find(senders, key, hash);
    if (place != NOWHERE) {
        lru_touch(senders, place);
    } else {
        if (senders->count >= senders->capacity)
            lru_remove(senders, senders->oldest);
        place = lru_add(senders, key, hash);
    }
    meter->first_senders[place] = known;
}

static int has_both_fins(const struct meter *meter, const struct entry *entry)
{
    return word_at(entry->flow, meter->settings.src_fins_at) && word_at(entry->flow, meter->settings.dst_fins_at);
}

/* Keep the direction of a conversation that may go on; one without an answer is none. */
static void remember(struct meter *meter, const uint64_t *key, const struct entry *entry, enum expiry reason)
{
    uint8_t first_sender = entry->swapped != entry->flipped;
    uint8_t late = reason == CLOSED ? (uint8_t)(2 * meter->settings.late_packets) : 0;
    if (reason == CLOSED && !has_both_fins(meter, entry))
        forget_sender(meter, key);
    else if (reason == ACTIVE || word_at(entry->flow, meter->settings.answers_at))
        remember_sender(meter, key, first_sender | late);
    meter->state.remembered = meter->senders.count;
}

/* ---- flows ---- */

static void end_flow(struct meter *meter, uint32_t place, enum expiry reason, uint64_t time)
{
    struct entry *entry = meter->entries + place;
    if (meter->settings.keeps_direction && !entry->resets)
        remember(meter, meter->flows.nodes[place].key, entry, reason);
    export_flow(meter, entry, reason, time);
    meter->settings.free_flow(entry->flow, 0, 0, 1);
    lru_remove(&meter->flows, place);
    meter->state.open = meter->flows.count;
    meter->state.expired[reason]++;
}

static uint8_t is_flipped(struct meter *meter, const uint64_t *key, uint8_t swapped, uint16_t flags)
{
    uint32_t place;
    if (!meter->settings.keeps_direction || meter->senders.count == 0)
        return 0;
    if ((flags & (SYN_BIT | ACK_BIT)) == SYN_BIT) {
        forget_sender(meter, key);
        return 0;
    }
    place = lru_find(&meter->senders, key, lru_hash(&meter->senders, key));
    return place != NOWHERE && (meter->first_senders[place] & 1) != swapped;
}

/* Tell whether a packet only ends a conversation; a reset does it once, others after both FINs. */
static int is_late(struct meter *meter, const struct packet *packet, const uint64_t *key, uint16_t flags)
{
    uint32_t place;
    if (packet->protocol != TCP || (flags & (SYN_BIT | RST_BIT)) == SYN_BIT || meter->senders.count == 0)
        return 0;
    place = lru_find(&meter->senders, key, lru_hash(&meter->senders, key));
    if (place == NOWHERE)
        return 0;
    if (meter->first_senders[place] > 1 && packet->payload_size == 0 && !(flags & SYN_BIT)) {
        meter->first_senders[place] -= 2;
        return 1;
    }
    return flags & RST_BIT && forget_sender(meter, key);
}

/* Open a flow with its first packet, making room for it where there is none. What ends a conversation whose last
 * flow has left begins nothing. */
static uint32_t begin_flow(struct meter *meter, struct packet *packet, const uint64_t *key, uint64_t hash,
                           uint8_t swapped, uint16_t flags)
{
    struct state *state = &meter->state;
    uint32_t place;
    void *flow;
    if (is_late(meter, packet, key, flags)) {
        state->late++;
        return NOWHERE;
    }
    if (state->thinned && hash >> (64 - state->thinned)) {
        state->shed++;
        return NOWHERE;
    }
    if (meter->flows.count >= meter->settings.max_flows)
        end_flow(meter, meter->flows.oldest, EVICTED, packet->time);
    flow = meter->settings.initialize_flow(packet, 0, STATISTICS, 0, 0, NULL, 0);
    if (flow == NULL) {
        state->refused++;
        return NOWHERE;
    }
    place = lru_add(&meter->flows, key, hash);
    meter->entries[place] = (struct entry){flow, swapped, is_flipped(meter, key, swapped, flags), 0,
                                           meter->settings.closes && flags & RST_BIT};
    state->open = meter->flows.count;
    if (state->next_idle_ms == NEVER)
        state->next_idle_ms = packet->time + meter->settings.idle_ms;
    return place;
}

/* End a flow on RST, or on the packet that follows the FINs of both sides. A flow of resets alone goes on with
 * the next: a dead end answers each segment under way with one. */
static void close_tcp(struct meter *meter, uint32_t place, uint64_t time, uint16_t flags)
{
    struct entry *entry = meter->entries + place;
    if (entry->resets)
        return;
    if (flags & RST_BIT || (entry->closing && !(flags & FIN_BIT)))
        end_flow(meter, place, CLOSED, time);
    else if (has_both_fins(meter, entry))
        entry->closing = 1;
}

/* Let go of every flow whose last packet is an idle timeout old; 0 where the rows ran out. */
int loop_expire(struct meter *meter, uint64_t now)
{
    struct state *state = &meter->state;
    while (meter->flows.count) {
        uint32_t oldest = meter->flows.oldest;
        uint64_t due = word_at(meter->entries[oldest].flow, meter->settings.last_seen_at) +
                       meter->settings.idle_ms;
        if (due > now) {
            state->next_idle_ms = due;
            return 1;
        }
        if (state->row_count >= state->row_limit)
            return 0;
        end_flow(meter, oldest, IDLE, due);
    }
    state->next_idle_ms = NEVER;
    return 1;
}

/* Let go of every flow; 0 where the rows ran out. */
int loop_flush(struct meter *meter, uint64_t now)
{
    while (meter->flows.count) {
        if (meter->state.row_count >= meter->state.row_limit)
            return 0;
        end_flow(meter, meter->flows.oldest, FLUSHED, now);
    }
    meter->state.next_idle_ms = NEVER;
    return 1;
}

/* ---- packets ---- */

/* NFStream's direction-agnostic flow key; returns whether the packet comes from the greater end. */
static uint8_t key_of(const struct packet *packet, uint64_t mask, uint64_t *key)
{
    const uint64_t *source = packet->src_ip, *target = packet->dst_ip;
    uint64_t small = packet->src_port, large = packet->dst_port;
    uint8_t greater = source[1] != target[1]   ? source[1] > target[1]
                      : source[0] != target[0] ? source[0] > target[0]
                                               : small > large;
    if (greater) {
        source = packet->dst_ip;
        target = packet->src_ip;
        small = packet->dst_port;
        large = packet->src_port;
    }
    memcpy(key, source, 16);
    memcpy(key + 2, target, 16);
    key[4] = (small << 48 | large << 32 | (uint64_t)packet->vlan_id << 16 | (uint64_t)packet->protocol << 8 |
              packet->tunnel_id) & mask;
    return greater;
}

static void meter_packet(struct meter *meter, struct packet *packet)
{
    const struct settings *known = &meter->settings;
    uint64_t key[KEY_WORDS], hash;
    uint8_t swapped = key_of(packet, known->key_mask, key), over;
    uint16_t flags = packet->protocol == TCP ? packet->flags : 0;
    uint32_t place;
    hash = lru_hash(&meter->flows, key);
    place = lru_find(&meter->flows, key, hash);
    if (place != NOWHERE && meter->entries[place].resets && !(flags & RST_BIT)) {
        end_flow(meter, place, CLOSED, packet->time);
        place = NOWHERE;
    }
    if (place == NOWHERE) {
        place = begin_flow(meter, packet, key, hash, swapped, flags);
    } else {
        over = known->update_flow(meter->entries[place].flow, packet, known->idle_ms, known->active_ms, 0,
                                  STATISTICS, 0, 0, NULL, 0);
        if (over) {
            end_flow(meter, place, over - 1, packet->time);
            place = begin_flow(meter, packet, key, hash, swapped, flags);
        } else {
            lru_touch(&meter->flows, place);
        }
    }
    if (known->closes && place != NOWHERE && (flags & (FIN_BIT | RST_BIT) || meter->entries[place].closing))
        close_tcp(meter, place, packet->time, flags);
}

/* Meter the block's packets whose times are settled; 0 where the rows ran out before the last. */
int loop_meter(struct meter *meter, struct packet *packets)
{
    struct state *state = &meter->state;
    for (; state->at < state->settled; state->at++) {
        struct packet *packet = packets + state->at;
        if (packet->time >= state->next_idle_ms && !loop_expire(meter, packet->time))
            return 0;
        if (state->row_count + ROWS_A_PACKET > state->row_limit)
            return 0;
        meter_packet(meter, packet);
        state->metered++;
    }
    return 1;
}

/* Read packets into the block from `state->count` to `stop`. */
void loop_read(struct meter *meter, void *capture, int live, int tunnels, struct packet *packets, uint64_t stop)
{
    struct state *state = &meter->state;
    uint64_t start = state->count, ignored = 0;
    state->found = PACKET;
    while (state->count < stop && ignored < stop) { /* a flood of ARP must not keep us here */
        struct packet *packet = packets + state->count;
        state->found = meter->settings.capture_next(capture, packet, tunnels, 1, 0, live);
        if (state->found > IGNORED) {
            state->count++;
            if (packet->ip_version != 6) /* the engine leaves what an earlier packet wrote there */
                packet->src_ip[1] = packet->dst_ip[1] = 0;
            if (packet->time > INT64_MAX) /* a damaged second, read as one before 1970 */
                packet->time = 0;
        } else if (state->found == IGNORED) {
            ignored++;
        } else {
            break;
        }
    }
    state->read += state->count - start + ignored;
    state->ignored += ignored;
}

/* Make the block's times monotone, as `detector/meter/clock.py` does where no stamp jumps; 0 where one does. */
static int settle(struct meter *meter, struct packet *packets)
{
    struct state *state = &meter->state;
    int64_t now = state->now_ms, step = meter->settings.max_step_ms;
    for (uint64_t at = 0; at < state->count; at++) {
        int64_t stamp = (int64_t)packets[at].time;
        if (now < 0)
            now = stamp;
        if (step >= 0 && (stamp > now + step || stamp < now - step))
            return 0;
        now = stamp > now ? stamp : now;
    }
    now = state->now_ms;
    for (uint64_t at = 0; at < state->count; at++) {
        int64_t stamp = (int64_t)packets[at].time;
        now = stamp > now ? stamp : now;
        packets[at].time = (uint64_t)now;
    }
    state->now_ms = now;
    state->settled = state->count;
    return 1;
}

/* Read and meter `enough` packets, a block of `size` at a time, until nothing waits or somebody must look. */
int loop_pump(struct meter *meter, void *capture, int live, int tunnels, struct packet *packets, uint64_t size,
              uint64_t enough)
{
    struct state *state = &meter->state;
    for (;;) {
        if (!loop_meter(meter, packets))
            return FULL;
        state->count = state->settled = state->at = 0;
        if (state->found < IGNORED)
            return DRAINED;
        if (state->read >= enough)
            return ENOUGH;
        loop_read(meter, capture, live, tunnels, packets, size);
        if (!settle(meter, packets))
            return DOUBT;
    }
}

/* ---- beginning and end ---- */

void loop_close(struct meter *meter)
{
    if (meter == NULL)
        return;
    for (uint32_t place = meter->flows.oldest; meter->flows.count && place != NOWHERE;
         place = meter->flows.nodes[place].newer)
        meter->settings.free_flow(meter->entries[place].flow, 0, 0, 1);
    lru_close(&meter->flows);
    lru_close(&meter->senders);
    free(meter->entries);
    free(meter->first_senders);
    free(meter);
}

struct meter *loop_open(const struct settings *settings)
{
    struct meter *meter = calloc(1, sizeof *meter);
    if (meter == NULL)
        return NULL;
    meter->settings = *settings;
    meter->state.now_ms = -1;
    meter->state.next_idle_ms = NEVER;
    meter->state.found = PACKET;
    meter->entries = calloc(settings->max_flows, sizeof *meter->entries);
    meter->first_senders = calloc(settings->max_senders, 1);
    if (!lru_open(&meter->flows, (uint32_t)settings->max_flows, settings->seed) ||
        !lru_open(&meter->senders, (uint32_t)settings->max_senders, settings->seed) ||
        meter->entries == NULL || meter->first_senders == NULL) {
        loop_close(meter);
        return NULL;
    }
    return meter;
}

/* Where this compiler put the fields of `struct packet`, and the sizes of all three; Python compares. */
const uint64_t loop_layout[] = {
    offsetof(struct packet, time),       offsetof(struct packet, src_ip),  offsetof(struct packet, dst_ip),
    offsetof(struct packet, src_port),   offsetof(struct packet, dst_port), offsetof(struct packet, ip_version),
    offsetof(struct packet, protocol),   offsetof(struct packet, vlan_id), offsetof(struct packet, flags),
    offsetof(struct packet, tunnel_id),  sizeof(struct packet),                 sizeof(struct state),
    sizeof(struct settings),
};
