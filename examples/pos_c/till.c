/*
 * A till in a few lines: what a POS program has to do to greet customers, use their offers and never lose a
 * sale.
 *
 *   pos_c [--socket PATH] [--spool FOLDER]             reads commands from stdin ("help" lists them)
 *   pos_c [--socket PATH] [--spool FOLDER] --demo N    rings up N sales, one line for each receipt
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mudi/pos.h>

enum { LINES = 50 };

typedef struct till {
    mudi* pos;
    mudi_txn* txn;
    mudi_line lines[LINES];
    char items[LINES][64];
    size_t count;
    long next;
    char number[32];
} till;

/* A shop would look the price up; here it follows from the item's number. */
static int64_t price_of(const char* item) {
    int64_t price = 500;
    for (; *item != '\0'; ++item) price = price * 7 % 9900 + (unsigned char)*item;
    return price + 100;
}

static int64_t total_of(const till* t) {
    int64_t total = 0;
    size_t i;
    for (i = 0; i < t->count; ++i) total += t->lines[i].amount;
    return total;
}

/* Whatever the library says, selling goes on; the cashier just gets to know. */
static mudi_rc told(const char* what, mudi_rc rc) {
    if (rc != MUDI_OK)
        fprintf(stderr, "%s: %s (%s %s)\n", what, mudi_strerror(rc), mudi_last_error_code(NULL),
                mudi_last_error(NULL));
    return rc;
}

static mudi_rc need_txn(till* t) {
    mudi_txn_info info = {sizeof info, 0, NULL, "asha", NULL, 0};
    if (t->txn != NULL) return MUDI_OK;
    snprintf(t->number, sizeof t->number, "C-%ld", t->next++);
    t->count = 0;
    return told("begin", mudi_txn_begin(t->pos, t->number, &info, &t->txn));
}

static mudi_rc send_basket(till* t) {
    return told("basket", mudi_basket_set(t->txn, t->lines, t->count, total_of(t)));
}

static mudi_rc scan(till* t, const char* item, long quantity) {
    mudi_line* line = &t->lines[t->count];
    if (t->count == LINES || quantity < 1 || quantity > 1000) return MUDI_E_ARG;
    memset(line, 0, sizeof *line);
    snprintf(t->items[t->count], sizeof t->items[0], "%s", item);
    line->size = sizeof *line;
    line->item = t->items[t->count];
    line->quantity = quantity * 1000;
    line->unit_price = price_of(item);
    line->has_unit_price = 1;
    line->amount = line->unit_price * quantity;
    t->count += 1;
    printf("%s x %ld = %" PRId64 "\n", item, quantity, line->amount);
    return send_basket(t);
}

static mudi_rc identify(till* t, mudi_id_kind kind, const char* raw) {
    mudi_customer customer = {sizeof customer, 0, 0, 0, 0, 0, "", "", "", ""};
    const mudi_rc rc = told("identify", mudi_identify(t->txn, kind, raw, &customer, 0));
    if (rc == MUDI_OK || rc == MUDI_STALE)
        printf("%s, %" PRId64 " points\n", customer.greeting, customer.points);
    return rc;
}

static void show_offers(till* t) {
    static mudi_offer offers[10];
    size_t n = 10, i;
    offers[0].size = sizeof offers[0];
    if (told("offers", mudi_offers(t->txn, offers, &n, 0)) != MUDI_OK) return;
    for (i = 0; i < n && i < 10; ++i)
        printf("%s %s (%s) %s\n", offers[i].offer, offers[i].title, offers[i].reason,
               offers[i].applicable ? "applies" : offers[i].why_not);
}

/* The host takes the effects off its own lines, one discount a line, and sends the basket again. */
static void apply(till* t, const char* offer) {
    static mudi_effect effects[LINES];
    size_t n = LINES, i;
    effects[0].size = sizeof effects[0];
    if (told("apply", mudi_offer_apply(t->txn, offer, effects, &n)) != MUDI_OK) return;
    for (i = 0; i < n && i < LINES; ++i) {
        mudi_line* line = effects[i].line > 0 ? &t->lines[effects[i].line - 1] : &t->lines[0];
        if (effects[i].line > (int32_t)t->count || line->discount != 0 || line->amount < effects[i].amount)
            continue;
        line->discount = effects[i].amount;
        line->discount_name = effects[i].name;
        line->discount_offer = effects[i].offer;
        line->amount -= effects[i].amount;
        printf("%s: -%" PRId64 "\n", effects[i].name, effects[i].amount);
    }
    send_basket(t);
}

static mudi_rc pay(till* t, const char* kind, int64_t amount) {
    static const char* const kinds[] = {"cash",      "card",           "upi",    "khata",
                                        "gift_card", "loyalty_points", "voucher"};
    mudi_tender_info tender = {sizeof tender, MUDI_TENDER_OTHER, 0, NULL};
    int i;
    for (i = 0; i < 7; ++i)
        if (strcmp(kind, kinds[i]) == 0) tender.kind = i + 1;
    tender.amount = amount;
    return told("pay", mudi_tender(t->txn, &tender));
}

static void redeem(till* t, int64_t points) {
    mudi_effect effect;
    size_t n = 1;
    memset(&effect, 0, sizeof effect);
    effect.size = sizeof effect;
    if (told("redeem", mudi_redeem(t->txn, points, &effect, &n)) < 0 || n == 0) return;
    printf("%" PRId64 " points pay %" PRId64 "\n", points, effect.amount);
    pay(t, "loyalty_points", effect.amount);
}

static void end(till* t) {
    mudi_txn_close(t->txn);
    t->txn = NULL;
}

/* MUDI_OK or MUDI_PENDING: the sale is safe. Anything else: the cashier corrects it, or tries again. */
static mudi_rc complete(till* t) {
    mudi_totals totals = {sizeof totals, 0, 0, 0, 0, 0, 0};
    mudi_receipt receipt;
    mudi_rc rc;
    memset(&receipt, 0, sizeof receipt);
    receipt.size = sizeof receipt;
    totals.total = total_of(t);
    rc = told("complete", mudi_complete(t->txn, &totals, &receipt));
    printf("%s %d %s %s %" PRId64 "\n", t->number, (int)rc,
           rc < 0          ? "refused"
           : receipt.saved ? "saved"
                           : "pending",
           receipt.event[0] != '\0' ? receipt.event : "-", receipt.total);
    fflush(stdout);
    if (rc >= 0) end(t);
    return rc;
}

/* "return ITEM QTY": goods come back without the original, the money in cash. */
static void take_back(till* t, const char* item, long quantity) {
    mudi_return_info info;
    mudi_line line;
    char number[32];
    memset(&info, 0, sizeof info);
    memset(&line, 0, sizeof line);
    info.size = sizeof info;
    info.refund_kind = MUDI_TENDER_CASH;
    line.size = sizeof line;
    line.item = item;
    line.quantity = quantity * 1000;
    line.amount = price_of(item) * quantity;
    snprintf(number, sizeof number, "C-%ld", t->next++);
    printf("%s %d return\n", number, (int)told("return", mudi_return(t->pos, number, &info, &line, 1)));
}

static void on_event(const mudi_event* event, void* user) {
    (void)user;
    fprintf(stderr, "[%s %s]\n", event->name, event->txn);
}

/* 0 when the till closes. */
static int obey(till* t, const char* line) {
    char word[32] = "", first[64] = "", second[64] = "";
    if (sscanf(line, "%31s %63s %63s", word, first, second) < 1) return 1;
    if (strcmp(word, "quit") == 0) return 0;
    if (strcmp(word, "return") == 0) return take_back(t, first, atol(second)), 1;
    if (need_txn(t) < 0) return 1;
    if (strcmp(word, "scan") == 0)
        scan(t, first, atol(second));
    else if (strcmp(word, "card") == 0)
        identify(t, MUDI_ID_CARD, first);
    else if (strcmp(word, "phone") == 0)
        identify(t, MUDI_ID_PHONE, first);
    else if (strcmp(word, "offers") == 0)
        show_offers(t);
    else if (strcmp(word, "apply") == 0)
        apply(t, first);
    else if (strcmp(word, "redeem") == 0)
        redeem(t, atol(first));
    else if (strcmp(word, "pay") == 0)
        pay(t, first, atol(second));
    else if (strcmp(word, "total") == 0)
        printf("%" PRId64 "\n", total_of(t));
    else if (strcmp(word, "complete") == 0)
        complete(t);
    else if (strcmp(word, "cancel") == 0)
        told("cancel", mudi_cancel(t->txn, "cashier")), end(t);
    else
        puts("scan ITEM QTY, card NUMBER, phone NUMBER, offers, apply OFFER, redeem POINTS, "
             "pay KIND AMOUNT, total, complete, cancel, return ITEM QTY, quit");
    return 1;
}

/* One sale as a cashier rings it up; every third customer has a card. */
static int demo(till* t, long sales) {
    static const char* const items[] = {"8901030865275", "8901058851298", "8901262150118"};
    long sale;
    for (sale = 0; sale < sales; ++sale) {
        if (need_txn(t) < 0) return 1;
        if (sale % 3 == 0) identify(t, MUDI_ID_CARD, "2900000000018");
        scan(t, items[sale % 3], 1 + sale % 4);
        scan(t, items[(sale + 1) % 3], 1);
        pay(t, "cash", total_of(t) + 500);
        pay(t, "cash", -500);
        if (complete(t) < 0) return 1;
        mudi_dispatch(t->pos);
    }
    return 0;
}

int main(int argc, char** argv) {
    static till t;
    mudi_config config = {sizeof config, 0, NULL, NULL, "pos_c 1", "en", NULL};
    char line[200];
    long sales = 0;
    int i, result = 0;
    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--socket") == 0) config.socket_path = argv[i + 1];
        if (strcmp(argv[i], "--spool") == 0) config.spool_dir = argv[i + 1];
        if (strcmp(argv[i], "--demo") == 0) sales = atol(argv[i + 1]);
    }
    if (mudi_abi() != MUDI_ABI || mudi_open(&config, &t.pos) != MUDI_OK) {
        fprintf(stderr, "libmudi-pos: %s\n", mudi_last_error(NULL));
        return 2;
    }
    t.next = (long)time(NULL);
    mudi_on(t.pos, on_event, NULL);
    if (sales > 0)
        result = demo(&t, sales);
    else
        while (fgets(line, sizeof line, stdin) != NULL && obey(&t, line)) mudi_dispatch(t.pos);
    mudi_close(t.pos);
    return result;
}
