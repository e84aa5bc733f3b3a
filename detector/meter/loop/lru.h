/* A bounded map from flow keys to places, in the order of their last use.
 *
 * A place is an index below `capacity`; what belongs to a key stands in arrays of the owner's, at its
 * place. The hash is seeded, so that a sender who chooses addresses and ports cannot choose buckets.
 */
#ifndef IOTIDS_LRU_H
#define IOTIDS_LRU_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KEY_WORDS 5
#define NOWHERE UINT32_MAX

struct node {
    uint64_t key[KEY_WORDS];
    uint32_t next;  /* in the bucket, or of the free places */
    uint32_t older, newer;
};

struct lru {
    struct node *nodes;
    uint32_t *buckets;
    uint32_t mask, capacity, count, fresh, freed, oldest, newest;
    uint64_t seed;
};

static int lru_open(struct lru *map, uint32_t capacity, uint64_t seed)
{
    uint32_t buckets = 16;
    while (buckets < capacity && buckets < 1u << 31)
        buckets *= 2;
    memset(map, 0, sizeof *map);
    map->nodes = calloc(capacity, sizeof *map->nodes);
    map->buckets = malloc(buckets * sizeof *map->buckets);
    if (map->nodes == NULL || map->buckets == NULL)
        return 0;
    memset(map->buckets, 0xff, buckets * sizeof *map->buckets);
    map->mask = buckets - 1;
    map->capacity = capacity;
    map->freed = map->oldest = map->newest = NOWHERE;
    map->seed = seed;
    return 1;
}

static void lru_close(struct lru *map)
{
    free(map->nodes);
    free(map->buckets);
}

/* The finaliser of splitmix64 (Steele, Lea and Flood, OOPSLA 2014), over every word in turn. */
static uint64_t lru_hash(const struct lru *map, const uint64_t *key)
{
    uint64_t hash = map->seed;
    for (int word = 0; word < KEY_WORDS; word++) {
        hash = (hash ^ key[word]) + 0x9E3779B97F4A7C15u;
        hash = (hash ^ hash >> 30) * 0xBF58476D1CE4E5B9u;
        hash = (hash ^ hash >> 27) * 0x94D049BB133111EBu;
        hash ^= hash >> 31;
    }
    return hash;
}

static uint32_t lru_find(const struct lru *map, const uint64_t *key, uint64_t hash)
{
    uint32_t place = map->buckets[hash & map->mask];
    while (place != NOWHERE && memcmp(map->nodes[place].key, key, sizeof map->nodes->key) != 0)
        place = map->nodes[place].next;
    return place;
}

static void lru_unlink(struct lru *map, uint32_t place)
{
    struct node *node = map->nodes + place;
    *(node->older == NOWHERE ? &map->oldest : &map->nodes[node->older].newer) = node->newer;
    *(node->newer == NOWHERE ? &map->newest : &map->nodes[node->newer].older) = node->older;
}

static void lru_link_newest(struct lru *map, uint32_t place)
{
    struct node *node = map->nodes + place;
    node->older = map->newest;
    node->newer = NOWHERE;
    *(map->newest == NOWHERE ? &map->oldest : &map->nodes[map->newest].newer) = place;
    map->newest = place;
}

static void lru_touch(struct lru *map, uint32_t place)
{
    if (place != map->newest) {
        lru_unlink(map, place);
        lru_link_newest(map, place);
    }
}

/* Add a key that is not in the map; the caller has made room. */
static uint32_t lru_add(struct lru *map, const uint64_t *key, uint64_t hash)
{
    uint32_t place = map->freed, *bucket = map->buckets + (hash & map->mask);
    if (place == NOWHERE)
        place = map->fresh++;
    else
        map->freed = map->nodes[place].next;
    memcpy(map->nodes[place].key, key, sizeof map->nodes->key);
    map->nodes[place].next = *bucket;
    *bucket = place;
    lru_link_newest(map, place);
    map->count++;
    return place;
}

static void lru_remove(struct lru *map, uint32_t place)
{
    uint32_t *link = map->buckets + (lru_hash(map, map->nodes[place].key) & map->mask);
    while (*link != place)
        link = &map->nodes[*link].next;
    *link = map->nodes[place].next;
    lru_unlink(map, place);
    map->nodes[place].next = map->freed;
    map->freed = place;
    map->count--;
}

#endif
