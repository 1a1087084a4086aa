/*
 * Mudi for POS programs: the C interface of libmudi-pos.so, which speaks to the till agent (mudi-till) over
 * its Unix socket.
 *
 * Rules that hold for everything below:
 * - Every fault means "go on selling". Return codes: 0 and above are answers, below 0 are faults; nothing
 * else has to be checked. What happened in words is in mudi_last_error(), the stable code
 * ("sale.total_mismatch") in mudi_last_error_code().
 * - Money is in minor units (paise) of the sale's currency, quantities in thousandths (2 pieces = 2000, 350 g
 * of a kilogram item = 350), rates in basis points (500 = 5 %), times in microseconds since 1970 UTC, days as
 * "2026-11-21".
 * - Text is UTF-8. Texts that go in are borrowed for the call only; NULL is the same as "". Texts that come
 * out lie in arrays of fixed size, always end with a NUL, and are cut between characters where they do not
 * fit.
 * - Every struct begins with `size`: set it to sizeof the struct, and the rest to 0, before the call
 * (`mudi_customer c = {sizeof c};`). Later versions only append fields; a library that knows fewer fields
 * ignores the others, one that knows more takes them as 0.
 * - Arrays of structs: all elements have the `size` of the first. Of an array that is filled, `*n` is how
 * many elements fit before the call and how many there are after it; when there are more, the first ones are
 * filled. NULL with `*n` = 0 only counts.
 * - A mudi_pos may be used from any thread at any time; one mudi_txn from one thread at a time. The library
 * has no thread, installs no signal handler, writes to neither stdout nor stderr, and lets no exception out.
 * - Time-outs cap the whole call, waiting and repeats included. 0 or less means the one of mudi_config; more
 * than MUDI_TIMEOUT_MAX_MS means that. An agent that does not run is noticed at once.
 * - The library itself keeps lines, customer, tenders, offers and hold of every open transaction, and brings
 * an agent that was started again up to date by itself. Calls that only change the transaction answer
 * MUDI_PENDING when the agent could not be told yet.
 */
#ifndef MUDI_POS_H
#define MUDI_POS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MUDI_API __attribute__((visibility("default")))
#else
#define MUDI_API
#endif

/* Changes only with the soname. */
#define MUDI_ABI 1

#define MUDI_TIMEOUT_DEFAULT_MS 250
#define MUDI_TIMEOUT_MAX_MS 2000
/* Lines and tenders of one transaction. */
#define MUDI_LINES_MAX 2000
#define MUDI_TENDERS_MAX 50

/* The connection to one till agent, and one transaction on it. */
typedef struct mudi_pos mudi_pos;
typedef struct mudi_txn mudi_txn;
#ifndef __cplusplus
/* The short name, for C; in C++ it would stand in the way of a namespace. */
typedef struct mudi_pos mudi;
#endif

typedef enum mudi_rc {
    MUDI_OK = 0,
    MUDI_NOT_FOUND = 1, /* an answer: nobody, or nothing, is known under this */
    MUDI_PENDING = 2,   /* kept here; the agent gets it when it can be reached */
    MUDI_STALE = 3,     /* answered, but the till has not been level with the store server for 15 minutes */
    MUDI_E_ARG = -1,    /* the input is wrong, or the agent refused it */
    MUDI_E_STATE = -2,  /* not possible as things stand: the transaction is completed, points are held */
    MUDI_E_TIMEOUT = -3,
    MUDI_E_AGENT = -4, /* the agent cannot be reached, cannot do it now, or answers nonsense */
    MUDI_E_DENIED = -5,
    MUDI_E_VERSION = -6, /* the agent no longer speaks this version */
    MUDI_E_NOMEM = -7
} mudi_rc;

typedef enum mudi_id_kind {
    MUDI_ID_CARD = 1,  /* as printed, keyed or scanned */
    MUDI_ID_PHONE = 2, /* as keyed, with or without country code */
    MUDI_ID_QR = 3,    /* the member code of the shop's app, or any code a card may carry */
    MUDI_ID_MSR = 4,   /* track 1 or 2 of a loyalty card; bank cards are refused and never kept */
    MUDI_ID_NFC = 5,   /* the number read from a tag */
    MUDI_ID_NAME = 6   /* beginning of a name: shows the one customer who fits, attaches nobody to the sale */
} mudi_id_kind;

typedef enum mudi_line_type { MUDI_LINE_SALE = 0, MUDI_LINE_RETURN = 1 } mudi_line_type;

typedef enum mudi_tender_kind {
    MUDI_TENDER_CASH = 1,
    MUDI_TENDER_CARD = 2,
    MUDI_TENDER_UPI = 3,
    MUDI_TENDER_KHATA = 4,
    MUDI_TENDER_GIFT_CARD = 5,
    MUDI_TENDER_LOYALTY_POINTS = 6, /* needs a hold, see mudi_redeem */
    MUDI_TENDER_VOUCHER = 7,
    MUDI_TENDER_CHEQUE = 8,
    MUDI_TENDER_BANK_TRANSFER = 9,
    MUDI_TENDER_OTHER = 10
} mudi_tender_kind;

typedef enum mudi_effect_kind {
    MUDI_EFFECT_DISCOUNT = 1, /* take `amount` off line `line`; 0: off the basket, spread at will */
    MUDI_EFFECT_TENDER = 2    /* take `amount` as tender `tender` */
} mudi_effect_kind;

typedef enum mudi_event_type {
    MUDI_EVENT_OTHER = 0,        /* look at `name`; more kinds may come in later versions */
    MUDI_EVENT_CARD_SCANNED = 1, /* somebody was identified, or an unknown identifier was scanned */
    MUDI_EVENT_OFFERS_CHANGED = 2,
    MUDI_EVENT_CUSTOMER_UPDATED = 3, /* the profile of an open transaction's customer changed */
    MUDI_EVENT_AGENT_UP = 4,         /* no `json` */
    MUDI_EVENT_AGENT_DOWN = 5        /* no `json` */
} mudi_event_type;

typedef struct mudi_config {
    uint32_t size;
    int32_t timeout_ms;      /* for calls that name none; 0 = MUDI_TIMEOUT_DEFAULT_MS */
    const char* socket_path; /* NULL = "/var/lib/mudi-till/till.sock" */
    const char* spool_dir;   /* the agent's spool folder; NULL = "/var/lib/mudi-till/spool" */
    const char* host;        /* name of the POS program, on every sale: "acme-pos 4.2" */
    const char* language;    /* of texts for the cashier: "en", "bn", "mr", "hi"; NULL = the agent's */
    const char* utc_offset;  /* of the shop's clock, decides the business day: NULL = "+05:30" */
} mudi_config;

typedef struct mudi_txn_info {
    uint32_t size;
    int32_t training;         /* 1: a cashier's exercise; it earns nothing */
    const char* business_day; /* NULL = today in the shop's zone */
    const char* operator_id;  /* the cashier's short id */
    const char* currency;     /* ISO 4217; NULL = the shop's */
    int64_t begin_us;         /* 0 = now */
} mudi_txn_info;

typedef struct mudi_customer {
    uint32_t size;
    int32_t found;
    int32_t stale;
    int32_t offers; /* how many mudi_offers would give */
    int64_t profile;
    int64_t points; /* that can be spent here and now */
    char name[128];
    char language[16];
    char tier[32];
    char greeting[256];
} mudi_customer;

/* A price reduction that is already contained in the line's amount. At most one in this version of the
 * struct; the whole list can be given through mudi_call. */
typedef struct mudi_line {
    uint32_t size;
    int32_t type;        /* mudi_line_type */
    const char* line_id; /* the host's own, 1..63 bytes; NULL = position; not for mudi_line_set */
    const char* item;    /* GTIN or the shop's own number */
    const char* description;
    const char* category;
    const char* unit;            /* UN/ECE rec. 20: "EA" (default), "KGM" */
    int64_t quantity;            /* thousandths, > 0 */
    int64_t unit_price;          /* regular price of one unit; used with has_unit_price */
    int64_t amount;              /* what the line costs after discounts, >= 0, returns too */
    int64_t tax;                 /* on this line; inside `amount` where prices include tax */
    int32_t tax_rate;            /* basis points */
    int32_t has_unit_price;      /* 1: amount = unit_price x quantity - discount is checked */
    int32_t not_goods;           /* 1: postage, fees, deposits */
    int32_t original_line;       /* of a return: number of the sold line */
    int64_t discount;            /* > 0: how much less the customer paid */
    const char* discount_name;   /* as on the receipt */
    const char* discount_offer;  /* the personal offer it comes from, as in mudi_effect */
    const char* original_number; /* of a return: the sale it takes back; NULL = no original */
    const char* original_day;
    const char* original_store;       /* NULL = this store */
    const char* original_workstation; /* NULL = this workstation */
} mudi_line;

typedef struct mudi_offer {
    uint32_t size;
    int32_t applicable; /* to the basket as it stands */
    int64_t saves;      /* what it would take off now */
    int64_t missing;    /* with why_not "basket_min": how much more must be bought */
    int64_t amount_off;
    int64_t valid_to_us;
    int32_t percent; /* basis points */
    int32_t reserved;
    char offer[33];   /* its id */
    char kind[32];    /* "usual_item", "favourite_category", "welcome"; more may come */
    char why_not[32]; /* a stable word, empty when applicable */
    char title[200];
    char reason[256];
    char item[64];
    char category[64];
} mudi_offer;

/* What the host has to do to its own sale. */
typedef struct mudi_effect {
    uint32_t size;
    int32_t kind;       /* mudi_effect_kind */
    int32_t line;       /* number of the line, 0 = the whole basket */
    int32_t tender;     /* mudi_tender_kind */
    int64_t amount;     /* minor units, > 0 */
    int64_t points;     /* of a hold */
    int64_t expires_us; /* of a hold */
    char line_id[64];
    char offer[33];
    char hold[33];
    char name[200]; /* for the receipt */
} mudi_effect;

typedef struct mudi_tender_info {
    uint32_t size;
    int32_t kind;          /* mudi_tender_kind */
    int64_t amount;        /* negative = change, or money paid back */
    const char* reference; /* the host's; never a card number */
} mudi_tender_info;

typedef struct mudi_totals {
    uint32_t size;
    int32_t tax_excluded; /* 1: taxes come on top of the lines' amounts */
    int64_t total;        /* what the customer pays; negative when money goes back */
    int64_t tax_total;    /* used with has_tax_total; else the sum of the lines' taxes */
    int64_t end_us;       /* 0 = now */
    int32_t has_tax_total;
    int32_t reserved;
} mudi_totals;

typedef struct mudi_receipt {
    uint32_t size;
    int32_t saved;    /* 1: on the till's disk; 0: in the spool (MUDI_PENDING) */
    int32_t repeated; /* 1: this number was completed before with the same content */
    int32_t training;
    int64_t total;
    int64_t points_earned;
    int64_t points_redeemed;
    int64_t points_balance; /* used with has_balance */
    int32_t has_balance;
    int32_t reserved;
    char number[65];
    char business_day[11];
    char store[33];
    char workstation[33];
    char event[33]; /* the sale's identity; the same in the spool, at the till and at the server */
    char currency[4];
    char customer[128]; /* name, empty when nobody is known */
} mudi_receipt;

typedef struct mudi_return_info {
    uint32_t size;
    int32_t refund_kind; /* mudi_tender_kind the money goes back in */
    int64_t refund;      /* what goes back, >= 0; 0 = what the lines come to */
    const char* refund_reference;
    const char* business_day; /* of the return; NULL = today */
    const char* operator_id;
    const char* original_number; /* for lines that name no original of their own; NULL = without original */
    const char* original_day;
    const char* original_store;
    const char* original_workstation;
    int32_t id_kind; /* mudi_id_kind of the customer, CARD, PHONE or QR; 0 = nobody */
    int32_t tax_excluded;
    const char* id_value;
} mudi_return_info;

/* Valid during the callback only. */
typedef struct mudi_event {
    uint32_t size;
    int32_t type;     /* mudi_event_type; values unknown to the host are to be ignored */
    uint64_t seq;     /* rises within one start of the agent */
    const char* name; /* the agent's word: "offers_changed", "completed", ... */
    const char* txn;  /* number of the transaction it is about; empty when none */
    const char* json; /* the whole document; empty when none */
} mudi_event;
typedef void (*mudi_event_fn)(const mudi_event* event, void* user);

/* The ABI of the loaded library: compare with MUDI_ABI before anything else. */
MUDI_API int mudi_abi(void);

/* Gives a handle without touching the network. `config` NULL = all defaults.
 * MUDI_E_ARG: a path that is too long for a socket, a bad utc_offset. MUDI_E_NOMEM. */
MUDI_API mudi_rc mudi_open(const mudi_config* config, mudi_pos** out);
/* Ends the handle and all its transactions' handles; what was neither completed nor suspended is forgotten
 * here. NULL is allowed. No other call may be under way. */
MUDI_API void mudi_close(mudi_pos* pos);

/* Opens the transaction of that number (1..64 bytes), or goes on with it: the same number again gives the
 * same handle, and what an earlier process of the host left open or suspended at the agent is taken over,
 * lines with their numbers as line_id. `info` NULL = all defaults. MUDI_OK, MUDI_PENDING (the agent was not
 * reached: all goes on from here). MUDI_E_STATE: that number is completed. MUDI_E_ARG. *out is set whenever
 * the result is not below 0. Waits at most the default time-out. */
MUDI_API mudi_rc mudi_txn_begin(mudi_pos* pos, const char* host_txn, const mudi_txn_info* info,
                                mudi_txn** out);
/* Lets go of a handle, in whatever state the sale is; nothing is sent. Call it after complete, cancel or
 * suspend. NULL is allowed. */
MUDI_API void mudi_txn_close(mudi_txn* txn);
/* Sets the sale aside; the agent keeps it over a restart. MUDI_PENDING: only this library keeps it (until
 * mudi_close). After either only mudi_txn_close is left for the handle. Waits at most the default time-out.
 */
MUDI_API mudi_rc mudi_txn_suspend(mudi_txn* txn);
/* Takes up a transaction that was suspended today, here or by an earlier process. MUDI_OK, MUDI_PENDING (the
 * agent does not know yet), MUDI_NOT_FOUND, MUDI_E_STATE (completed), MUDI_E_AGENT, MUDI_E_TIMEOUT (not known
 * here, and the agent cannot be asked). */
MUDI_API mudi_rc mudi_txn_resume(mudi_pos* pos, const char* host_txn, mudi_txn** out);

/* Who is it? MUDI_OK and MUDI_STALE fill `out` (which may be NULL). MUDI_NOT_FOUND: nobody known, but the
 * identifier stays with the sale and the server learns from it. MUDI_E_ARG: refused (card.bank_card,
 * card.check_digit, card.product_code, phone.syntax, ...): whoever was identified before stays. MUDI_E_AGENT,
 * MUDI_E_TIMEOUT: no answer; the identifier stays with the sale all the same. For MUDI_ID_NAME more than one
 * fitting customer is MUDI_E_ARG (customer.ambiguous). */
MUDI_API mudi_rc mudi_identify(mudi_txn* txn, mudi_id_kind kind, const char* raw, mudi_customer* out,
                               int timeout_ms);
/* Forgets who it is; offers applied and points held go with it. MUDI_OK, MUDI_PENDING. Default time-out. */
MUDI_API mudi_rc mudi_identify_clear(mudi_txn* txn);

/* Adds a line or changes it (quantity, price, ...); `line_id` is the host's own, 1..63 bytes. MUDI_OK,
 * MUDI_PENDING; MUDI_E_ARG, and the basket stays as it was. Default time-out. */
MUDI_API mudi_rc mudi_line_set(mudi_txn* txn, const char* line_id, const mudi_line* line);
/* Takes a line out of the basket. MUDI_OK, MUDI_PENDING, MUDI_NOT_FOUND. Default time-out. */
MUDI_API mudi_rc mudi_line_void(mudi_txn* txn, const char* line_id);
/* The whole basket as it stands; lines are numbered by position. Preferred over single lines. `total` is what
 * the host shows as total. MUDI_OK, MUDI_PENDING; MUDI_E_ARG, and the basket stays as it was. Default
 * time-out. */
MUDI_API mudi_rc mudi_basket_set(mudi_txn* txn, const mudi_line* lines, size_t n, int64_t total);

/* Offers for this customer and basket. MUDI_OK, MUDI_E_AGENT, MUDI_E_TIMEOUT. */
MUDI_API mudi_rc mudi_offers(mudi_txn* txn, mudi_offer* out, size_t* n, int timeout_ms);
/* Applies one; the host takes the effects off its own lines and sends the basket again. The same offer again
 * gives the same effects. MUDI_OK; MUDI_NOT_FOUND; MUDI_E_ARG (offer.not_applicable, offer.expired);
 * MUDI_E_AGENT, MUDI_E_TIMEOUT. Default time-out. */
MUDI_API mudi_rc mudi_offer_apply(mudi_txn* txn, const char* offer_id, mudi_effect* out, size_t* n);
/* Takes an applied offer back. MUDI_OK, MUDI_NOT_FOUND, MUDI_PENDING. Default time-out. */
MUDI_API mudi_rc mudi_offer_take_back(mudi_txn* txn, const char* offer_id);
/* Holds points; the one effect is the tender that spends them (give it to mudi_tender). The hold is used up
 * by mudi_complete, and given back by mudi_release, mudi_cancel or after 30 minutes. MUDI_OK, MUDI_STALE
 * (the till has not been level with the server lately); MUDI_E_ARG (redeem.balance, redeem.minimum;
 * redeem.offline, redeem.offline_cap: the server cannot be asked, and only fewer can be had), MUDI_E_STATE
 * (points are held already), MUDI_E_AGENT (redeem.called_back: try again in a moment), MUDI_E_TIMEOUT. Waits
 * at most MUDI_TIMEOUT_MAX_MS: the server, or a neighbour, is asked. */
MUDI_API mudi_rc mudi_redeem(mudi_txn* txn, int64_t points, mudi_effect* out, size_t* n);
/* MUDI_OK, MUDI_NOT_FOUND; MUDI_PENDING: forgotten here, the agent lets it lapse. Default time-out. */
MUDI_API mudi_rc mudi_release(mudi_txn* txn, const char* hold_id);

/* A payment, or change (negative). MUDI_OK, MUDI_PENDING; MUDI_E_ARG, and it is not taken. Default time-out.
 */
MUDI_API mudi_rc mudi_tender(mudi_txn* txn, const mudi_tender_info* tender);
/* Forgets all tenders, for a payment that begins anew. Nothing is sent: what counts is the list at
 * mudi_complete. */
MUDI_API mudi_rc mudi_tenders_clear(mudi_txn* txn);

/* The sale is over. MUDI_OK: saved on the till's disk. MUDI_PENDING: written and synced to the spool folder,
 * from where the agent takes it; nothing is left for the host to do. MUDI_E_ARG: refused
 * (sale.total_mismatch, sale.conflict, ...), nothing saved: correct it and call again. MUDI_E_AGENT: neither
 * agent nor spool folder could take it (a full disk): call again, or keep it. Calling again after MUDI_OK
 * gives the same receipt, after MUDI_PENDING it asks for it; a sale is never saved twice. `out` may be NULL.
 * Waits at most MUDI_TIMEOUT_MAX_MS, and then for the disk. */
MUDI_API mudi_rc mudi_complete(mudi_txn* txn, const mudi_totals* totals, mudi_receipt* out);
/* The sale does not happen; points held are given back. MUDI_OK; MUDI_E_AGENT, MUDI_E_TIMEOUT: cancelled
 * here, the agent forgets it by itself. Default time-out. */
MUDI_API mudi_rc mudi_cancel(mudi_txn* txn, const char* reason);

/* Goods come back, with or without the original sale. Saved like a sale: MUDI_OK, MUDI_PENDING; MUDI_E_ARG
 * (return.quantity, ...), MUDI_E_AGENT. Waits at most MUDI_TIMEOUT_MAX_MS, and then for the disk. */
MUDI_API mudi_rc mudi_return(mudi_pos* pos, const char* host_txn, const mudi_return_info* info,
                             const mudi_line* lines, size_t n);
/* Undoes a sale completed on this till today, as a transaction of its own with the number host_txn + "-void"
 * (at most 64 bytes together). Calling again is harmless. MUDI_OK, MUDI_NOT_FOUND, MUDI_E_STATE
 * (void.returned: something of it came back already), MUDI_E_AGENT, MUDI_E_TIMEOUT: not done. Waits at most
 * MUDI_TIMEOUT_MAX_MS. */
MUDI_API mudi_rc mudi_post_void(mudi_pos* pos, const char* host_txn);

/* Any call of the agent's HTTP API (docs/pos-api.md): `method` is verb and path ("GET /v1/status"), `json`
 * the body or NULL. `*out` gets the answer's body, also of a refusal, or NULL; give it back with mudi_free.
 * Result as the status says. Default time-out. */
MUDI_API mudi_rc mudi_call(mudi_pos* pos, const char* method, const char* json, char** out);
MUDI_API void mudi_free(void* memory);

/* Sets the one callback for events, or removes it (NULL). It is called only inside mudi_dispatch, on the
 * caller's thread, and may use the library. Opens the stream of events. */
MUDI_API void mudi_on(mudi_pos* pos, mudi_event_fn fn, void* user);
/* A descriptor that is readable when mudi_dispatch has something to do: for poll, select or a UI's own loop.
 * It stays the same until mudi_close, also over restarts of the agent; the host neither reads nor closes it.
 * Opens the stream. -1 when there is none. */
MUDI_API int mudi_fd(mudi_pos* pos);
/* Takes what has come and calls the callback for each; connects again when the agent was away, without
 * waiting for it. Events missed meanwhile are made up for; "reset" says that some could not be. MUDI_OK,
 * MUDI_E_STATE (called from inside a callback). */
MUDI_API mudi_rc mudi_dispatch(mudi_pos* pos);

/* English, constant. */
MUDI_API const char* mudi_strerror(mudi_rc rc);
/* What the last call of this thread that did not give MUDI_OK had to say, for the cashier where the agent
 * said it (in the language of mudi_config); empty after MUDI_OK. `pos` may be NULL. Valid until this thread's
 * next call. */
MUDI_API const char* mudi_last_error(const mudi_pos* pos);
/* The stable code of the same: "sale.total_mismatch", "http.connect", "arg.null". */
MUDI_API const char* mudi_last_error_code(const mudi_pos* pos);

#ifdef __cplusplus
}
#endif

#endif
