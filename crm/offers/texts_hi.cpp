#include <array>

#include "texts.hpp"

namespace mudi::crm {
namespace {

constexpr std::array errors{
    ErrorText{"sale.kind", "इस प्रकार का लेन-देन पहचाना नहीं गया।"},
    ErrorText{"sale.number", "बिल नंबर, दुकान, काउंटर या तारीख नहीं है या ग़लत है।"},
    ErrorText{"sale.text", "बिल में कोई लेख बहुत लंबा है या मान्य नहीं है।"},
    ErrorText{"sale.currency", "बिल दुकान की मुद्रा में नहीं है।"},
    ErrorText{"sale.times", "बिल के शुरू और ख़त्म होने का समय मेल नहीं खाता।"},
    ErrorText{"sale.empty", "बिल में कोई सामान नहीं है।"},
    ErrorText{"sale.too_many_lines", "बिल में सामान की संख्या सीमा से ज़्यादा है।"},
    ErrorText{"sale.too_many_tenders", "बिल में भुगतानों की संख्या सीमा से ज़्यादा है।"},
    ErrorText{"sale.rewards", "इस बिल के पॉइंट या ऑफ़र सही नहीं हैं।"},
    ErrorText{"sale.link", "यहाँ जिस पिछले बिल का ज़िक्र है वह मेल नहीं खाता।"},
    ErrorText{"sale.total_mismatch", "सामान का जोड़ कुल रकम से मेल नहीं खाता।"},
    ErrorText{"sale.tax_mismatch", "टैक्स का जोड़ कुल टैक्स से मेल नहीं खाता।"},
    ErrorText{"sale.tender_mismatch", "भुगतान का जोड़ कुल रकम से मेल नहीं खाता।"},
    ErrorText{"line.type", "इस तरह के बिल में यह लाइन नहीं चलती।"},
    ErrorText{"line.number", "बिल के लाइन नंबर ग़लत हैं।"},
    ErrorText{"line.item", "किसी सामान का नंबर नहीं है या मान्य नहीं है।"},
    ErrorText{"line.quantity", "मात्रा शून्य से ज़्यादा होनी चाहिए।"},
    ErrorText{"line.amount_negative", "दाम शून्य से कम नहीं हो सकता।"},
    ErrorText{"line.amount_mismatch", "दाम, मात्रा और छूट से यह रकम नहीं बनती।"},
    ErrorText{"line.discount", "बिल की कोई छूट ग़लत है।"},
    ErrorText{"line.tax", "किसी सामान का टैक्स ग़लत है।"},
    ErrorText{"tender.kind", "भुगतान का यह तरीक़ा पहचाना नहीं गया।"},
    ErrorText{"tender.amount", "शून्य रकम का भुगतान नहीं चलता।"},
    ErrorText{"tender.reference", "बैंक कार्ड का नंबर रखा नहीं जा सकता।"},
    ErrorText{"money.overflow", "रकम बहुत बड़ी है।"},
    ErrorText{"money.currency_mismatch", "एक बिल में दो मुद्राएँ नहीं चलतीं।"},
    ErrorText{"return.quantity", "जितना बिका था उससे ज़्यादा वापस आ रहा है।"},
    ErrorText{"return.amount", "जितने पैसे लिए गए उससे ज़्यादा लौट रहे हैं।"},
    ErrorText{"return.line", "उस बिल पर यह लाइन बिकी नहीं थी।"},
    ErrorText{"return.item", "उस लाइन पर दूसरा सामान बिका था।"},
    ErrorText{"return.unknown_original", "वापसी का मूल बिल नहीं मिला।"},
    ErrorText{"card.empty", "कार्ड नंबर नहीं दिया गया।"},
    ErrorText{"card.syntax", "यह कार्ड नंबर नहीं है।"},
    ErrorText{"card.bank_card", "यह बैंक का कार्ड है। कृपया दुकान का कार्ड दें।"},
    ErrorText{"card.check_digit", "कार्ड नंबर ठीक से नहीं पढ़ा गया। दोबारा स्कैन करें।"},
    ErrorText{"card.payment_code", "यह पेमेंट का कोड है, दुकान का कार्ड नहीं।"},
    ErrorText{"card.product_code", "यह सामान का कोड है, दुकान का कार्ड नहीं।"},
    ErrorText{"phone.syntax", "यह फ़ोन नंबर नहीं है।"},
    ErrorText{"qr.signature", "यह कोड हमारी दुकान का नहीं है।"},
    ErrorText{"qr.expired", "इस कोड की अवधि ख़त्म हो गई है। नया कोड खोलें।"},
    ErrorText{"redeem.minimum", "भुनाने के लिए पॉइंट कम हैं।"},
    ErrorText{"redeem.balance", "इतने पॉइंट जमा नहीं हैं।"},
    ErrorText{"redeem.closed", "अभी पॉइंट नहीं भुनाए जा सकते।"},
    ErrorText{"redeem.no_customer", "पहले ग्राहक का कार्ड स्कैन करें, फिर पॉइंट भुनाएँ।"},
    ErrorText{"offer.unknown", "यह ऑफ़र नहीं मिला।"},
    ErrorText{"offer.expired", "इस ऑफ़र की अवधि ख़त्म हो गई है।"},
    ErrorText{"offer.not_yet", "यह ऑफ़र अभी शुरू नहीं हुआ है।"},
    ErrorText{"offer.basket_min", "इस ऑफ़र के लिए बिल की रकम कम है।"},
    ErrorText{"offer.no_matching_line", "बिल के किसी सामान पर यह ऑफ़र नहीं है।"},
    ErrorText{"offer.currency", "यह ऑफ़र दूसरी मुद्रा में है।"},
    ErrorText{"customer.unknown", "यह ग्राहक यहाँ अभी दर्ज नहीं है।"},
    ErrorText{"transaction.unknown", "यह बिल नहीं मिला।"},
    ErrorText{"transaction.completed", "यह बिल पहले ही पूरा हो चुका है।"},
    ErrorText{"transaction.conflict", "इस नंबर पर दूसरा बिल पहले से दर्ज है।"},
    ErrorText{"server.unreachable", "दुकान के सर्वर से संपर्क नहीं हो रहा। बिक्री चलती रहेगी।"},
};

constexpr Texts texts{
    .zero_digit = "0",
    .percent_item = "{item} पर {percent}% की छूट",
    .percent_category = "{category} की हर चीज़ पर {percent}% की छूट",
    .percent_basket = "पूरी ख़रीदारी पर {percent}% की छूट",
    .amount_item = "{item} पर {amount} की छूट",
    .amount_category = "{category} पर {amount} की छूट",
    .amount_basket = "ख़रीदारी पर {amount} की छूट",
    .with_minimum = "{title} ({min} या उससे ज़्यादा के बिल पर)",
    .usual_item = "आम तौर पर आपकी {item} की ख़रीद {every} होती है; पिछली बार {ago} हुई थी।",
    .often_item = "{item} की आपकी ख़रीद अक्सर होती है।",
    .favourite_category = "{category} से आपकी ख़रीदारी अक्सर होती है।",
    .welcome = "हमारी दुकान में आपका स्वागत है; यह आपके लिए छोटा-सा तोहफ़ा है।",
    .chosen = "ख़ास आपके लिए।",
    .every_day = "रोज़",
    .every_days = "हर {n} दिन में",
    .today = "आज",
    .yesterday = "कल",
    .days_ago = "{n} दिन पहले",
    .greeting = "नमस्ते, {name} जी!",
    .greeting_nameless = "नमस्ते!",
    .errors = errors,
};

} // namespace

const Texts& texts_hi() { return texts; }

} // namespace mudi::crm
