#include <array>

#include "texts.hpp"

namespace mudi::crm {
namespace {

constexpr std::array errors{
    ErrorText{"sale.kind", "এই ধরনের লেনদেন চেনা নয়।"},
    ErrorText{"sale.number", "বিল নম্বর, দোকান, কাউন্টার বা তারিখ নেই অথবা ভুল।"},
    ErrorText{"sale.text", "বিলের কোনও লেখা বেশি বড় বা গ্রহণযোগ্য নয়।"},
    ErrorText{"sale.currency", "বিলটি দোকানের মুদ্রায় নয়।"},
    ErrorText{"sale.times", "বিলের শুরু ও শেষের সময় মেলে না।"},
    ErrorText{"sale.empty", "বিলে কোনও জিনিস নেই।"},
    ErrorText{"sale.too_many_lines", "বিলে জিনিসের সংখ্যা সীমার বেশি।"},
    ErrorText{"sale.too_many_tenders", "বিলে পেমেন্টের সংখ্যা সীমার বেশি।"},
    ErrorText{"sale.rewards", "এই বিলের পয়েন্ট বা অফার ঠিক নেই।"},
    ErrorText{"sale.link", "এখানে যে আগের বিলের উল্লেখ আছে তা মেলে না।"},
    ErrorText{"sale.total_mismatch", "জিনিসের দাম যোগ করে মোট মিলছে না।"},
    ErrorText{"sale.tax_mismatch", "করের যোগফল মোট করের সঙ্গে মিলছে না।"},
    ErrorText{"sale.tender_mismatch", "পেমেন্টের যোগফল মোটের সঙ্গে মিলছে না।"},
    ErrorText{"line.type", "এই ধরনের বিলে এই লাইনটি চলে না।"},
    ErrorText{"line.number", "বিলের লাইন নম্বর ভুল।"},
    ErrorText{"line.item", "কোনও জিনিসের নম্বর নেই বা গ্রহণযোগ্য নয়।"},
    ErrorText{"line.quantity", "পরিমাণ শূন্যের বেশি হতে হবে।"},
    ErrorText{"line.amount_negative", "দাম শূন্যের কম হতে পারে না।"},
    ErrorText{"line.amount_mismatch", "দাম, পরিমাণ ও ছাড় হিসাব করলে এই টাকা হয় না।"},
    ErrorText{"line.discount", "বিলের কোনও ছাড় ভুল।"},
    ErrorText{"line.tax", "কোনও জিনিসের কর ভুল।"},
    ErrorText{"tender.kind", "এই ধরনের পেমেন্ট চেনা নয়।"},
    ErrorText{"tender.amount", "শূন্য টাকার পেমেন্ট চলে না।"},
    ErrorText{"tender.reference", "ব্যাঙ্ক কার্ডের নম্বর রাখা যায় না।"},
    ErrorText{"money.overflow", "টাকার অঙ্ক অত্যন্ত বড়।"},
    ErrorText{"money.currency_mismatch", "এক বিলে দুই মুদ্রা চলে না।"},
    ErrorText{"return.quantity", "যতটা বিক্রি হয়েছে তার বেশি ফেরত আসছে।"},
    ErrorText{"return.amount", "যত টাকা নেওয়া হয়েছে তার বেশি ফেরত যাচ্ছে।"},
    ErrorText{"return.line", "ওই বিলে এই লাইনটি বিক্রি হয়নি।"},
    ErrorText{"return.item", "ওই লাইনে অন্য জিনিস বিক্রি হয়েছিল।"},
    ErrorText{"return.unknown_original", "ফেরতের আসল বিলটি পাওয়া যায়নি।"},
    ErrorText{"card.empty", "কার্ড নম্বর দেওয়া হয়নি।"},
    ErrorText{"card.syntax", "এটি কার্ড নম্বর নয়।"},
    ErrorText{"card.bank_card", "এটি ব্যাঙ্কের কার্ড। দোকানের কার্ডটি দিন।"},
    ErrorText{"card.check_digit", "কার্ড নম্বর ঠিক পড়া যায়নি। আবার স্ক্যান করুন।"},
    ErrorText{"card.payment_code", "এটি পেমেন্টের কোড, দোকানের কার্ড নয়।"},
    ErrorText{"card.product_code", "এটি জিনিসের কোড, দোকানের কার্ড নয়।"},
    ErrorText{"phone.syntax", "এটি ফোন নম্বর নয়।"},
    ErrorText{"qr.signature", "এই কোড আমাদের দোকানের নয়।"},
    ErrorText{"qr.expired", "এই কোডের মেয়াদ শেষ। নতুন কোড খুলুন।"},
    ErrorText{"redeem.minimum", "ভাঙানোর মতো যথেষ্ট পয়েন্ট নয়।"},
    ErrorText{"redeem.balance", "এত পয়েন্ট জমা নেই।"},
    ErrorText{"redeem.closed", "এখন পয়েন্ট ভাঙানো যাচ্ছে না।"},
    ErrorText{"redeem.no_customer", "আগে ক্রেতার কার্ড স্ক্যান করুন, তারপর পয়েন্ট ভাঙান।"},
    ErrorText{"offer.unknown", "এই অফারটি পাওয়া যায়নি।"},
    ErrorText{"offer.expired", "এই অফারের মেয়াদ শেষ।"},
    ErrorText{"offer.not_yet", "এই অফার এখনও শুরু হয়নি।"},
    ErrorText{"offer.basket_min", "এই অফারের জন্য বিলের টাকা কম।"},
    ErrorText{"offer.no_matching_line", "বিলের কোনও জিনিসে এই অফার নেই।"},
    ErrorText{"offer.currency", "এই অফার অন্য মুদ্রায়।"},
    ErrorText{"customer.unknown", "এই ক্রেতাকে এখানে এখনও চেনা যায়নি।"},
    ErrorText{"transaction.unknown", "এই বিলটি পাওয়া যায়নি।"},
    ErrorText{"transaction.completed", "এই বিল আগেই শেষ হয়েছে।"},
    ErrorText{"transaction.conflict", "এই নম্বরে অন্য বিল আগেই জমা আছে।"},
    ErrorText{"server.unreachable", "দোকানের সার্ভারে যোগাযোগ হচ্ছে না। বিক্রি চলবে।"},
};

constexpr Texts texts{
    .zero_digit = "০",
    .percent_item = "{item}-এ {percent}% ছাড়",
    .percent_category = "{category}-এর সব জিনিসে {percent}% ছাড়",
    .percent_basket = "পুরো কেনাকাটায় {percent}% ছাড়",
    .amount_item = "{item}-এ {amount} ছাড়",
    .amount_category = "{category}-এর জিনিসে {amount} ছাড়",
    .amount_basket = "কেনাকাটায় {amount} ছাড়",
    .with_minimum = "{title} ({min} বা তার বেশি বিলে)",
    .usual_item = "আপনি সাধারণত {every} {item} কেনেন; শেষবার কিনেছেন {ago}।",
    .often_item = "আপনি প্রায়ই {item} কেনেন।",
    .favourite_category = "আপনি প্রায়ই {category}-এর জিনিস কেনেন।",
    .welcome = "আমাদের দোকানে আপনাকে স্বাগতম; এটি আপনার জন্য ছোট্ট উপহার।",
    .chosen = "শুধু আপনার জন্য।",
    .every_day = "প্রতিদিন",
    .every_days = "{n} দিন পরপর",
    .today = "আজ",
    .yesterday = "গতকাল",
    .days_ago = "{n} দিন আগে",
    .greeting = "স্বাগতম, {name}!",
    .greeting_nameless = "স্বাগতম!",
    .errors = errors,
};

} // namespace

const Texts& texts_bn() { return texts; }

} // namespace mudi::crm
