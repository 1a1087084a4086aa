#include <array>

#include "texts.hpp"

namespace mudi::crm {
namespace {

constexpr std::array errors{
    ErrorText{"sale.kind", "हा व्यवहार-प्रकार ओळखीचा नाही."},
    ErrorText{"sale.number", "बिल क्रमांक, दुकान, काउंटर किंवा दिनांक नाही किंवा चुकीचा आहे."},
    ErrorText{"sale.text", "बिलातील एखादा मजकूर खूप मोठा किंवा अमान्य आहे."},
    ErrorText{"sale.currency", "बिल दुकानाच्या चलनात नाही."},
    ErrorText{"sale.times", "बिलाची सुरुवातीची आणि शेवटची वेळ जुळत नाही."},
    ErrorText{"sale.empty", "बिलात एकही वस्तू नाही."},
    ErrorText{"sale.too_many_lines", "बिलातील वस्तूंची संख्या मर्यादेपेक्षा जास्त आहे."},
    ErrorText{"sale.too_many_tenders", "बिलातील पेमेंटची संख्या मर्यादेपेक्षा जास्त आहे."},
    ErrorText{"sale.rewards", "या बिलातील गुण किंवा ऑफर बरोबर नाहीत."},
    ErrorText{"sale.link", "येथे नमूद केलेले आधीचे बिल जुळत नाही."},
    ErrorText{"sale.total_mismatch", "वस्तूंची बेरीज एकूण रकमेशी जुळत नाही."},
    ErrorText{"sale.tax_mismatch", "करांची बेरीज एकूण कराशी जुळत नाही."},
    ErrorText{"sale.tender_mismatch", "पेमेंटची बेरीज एकूण रकमेशी जुळत नाही."},
    ErrorText{"line.type", "या प्रकारच्या बिलात ही ओळ चालत नाही."},
    ErrorText{"line.number", "बिलातील ओळींचे क्रमांक चुकीचे आहेत."},
    ErrorText{"line.item", "एखाद्या वस्तूचा क्रमांक नाही किंवा अमान्य आहे."},
    ErrorText{"line.quantity", "प्रमाण शून्यापेक्षा जास्त हवे."},
    ErrorText{"line.amount_negative", "किंमत शून्यापेक्षा कमी असू शकत नाही."},
    ErrorText{"line.amount_mismatch", "किंमत, प्रमाण आणि सूट यांवरून ही रक्कम येत नाही."},
    ErrorText{"line.discount", "बिलातील एखादी सूट चुकीची आहे."},
    ErrorText{"line.tax", "एखाद्या वस्तूचा कर चुकीचा आहे."},
    ErrorText{"tender.kind", "हा पेमेंट-प्रकार ओळखीचा नाही."},
    ErrorText{"tender.amount", "शून्य रकमेचे पेमेंट चालत नाही."},
    ErrorText{"tender.reference", "बँक कार्डचा क्रमांक साठवता येत नाही."},
    ErrorText{"money.overflow", "रक्कम खूप मोठी आहे."},
    ErrorText{"money.currency_mismatch", "एका बिलात दोन चलने चालत नाहीत."},
    ErrorText{"return.quantity", "विकल्यापेक्षा जास्त परत येत आहे."},
    ErrorText{"return.amount", "घेतल्यापेक्षा जास्त पैसे परत जात आहेत."},
    ErrorText{"return.line", "त्या बिलावर ही ओळ विकलेली नाही."},
    ErrorText{"return.item", "त्या ओळीवर दुसरी वस्तू विकली होती."},
    ErrorText{"return.unknown_original", "परतीचे मूळ बिल सापडले नाही."},
    ErrorText{"card.empty", "कार्ड क्रमांक दिलेला नाही."},
    ErrorText{"card.syntax", "हा कार्ड क्रमांक नाही."},
    ErrorText{"card.bank_card", "हे बँकेचे कार्ड आहे. कृपया दुकानाचे कार्ड वापरा."},
    ErrorText{"card.check_digit", "कार्ड क्रमांक नीट वाचला गेला नाही. पुन्हा स्कॅन करा."},
    ErrorText{"card.payment_code", "हा पेमेंट कोड आहे, दुकानाचे कार्ड नाही."},
    ErrorText{"card.product_code", "हा वस्तूचा कोड आहे, दुकानाचे कार्ड नाही."},
    ErrorText{"phone.syntax", "हा फोन क्रमांक नाही."},
    ErrorText{"qr.signature", "हा कोड आमच्या दुकानाचा नाही."},
    ErrorText{"qr.expired", "या कोडची मुदत संपली आहे. नवीन कोड उघडा."},
    ErrorText{"redeem.minimum", "वापरण्यासाठी गुण खूप कमी आहेत."},
    ErrorText{"redeem.balance", "इतके गुण जमा नाहीत."},
    ErrorText{"redeem.closed", "सध्या गुण वापरता येत नाहीत."},
    ErrorText{"redeem.no_customer", "आधी ग्राहकाचे कार्ड स्कॅन करा, मग गुण वापरा."},
    ErrorText{"offer.unknown", "ही ऑफर सापडली नाही."},
    ErrorText{"offer.expired", "या ऑफरची मुदत संपली आहे."},
    ErrorText{"offer.not_yet", "ही ऑफर अजून सुरू झालेली नाही."},
    ErrorText{"offer.basket_min", "या ऑफरसाठी बिलाची रक्कम कमी आहे."},
    ErrorText{"offer.no_matching_line", "बिलातील कोणत्याही वस्तूवर ही ऑफर नाही."},
    ErrorText{"offer.currency", "ही ऑफर दुसऱ्या चलनात आहे."},
    ErrorText{"customer.unknown", "हा ग्राहक येथे अजून नोंदलेला नाही."},
    ErrorText{"transaction.unknown", "हे बिल सापडले नाही."},
    ErrorText{"transaction.completed", "हे बिल आधीच पूर्ण झाले आहे."},
    ErrorText{"transaction.conflict", "या क्रमांकावर दुसरे बिल आधीच जतन आहे."},
    ErrorText{"server.unreachable", "दुकानाच्या सर्व्हरशी संपर्क होत नाही. विक्री चालू राहील."},
};

constexpr Texts texts{
    .zero_digit = "०",
    .percent_item = "{item} वर {percent}% सूट",
    .percent_category = "{category} मधील सर्व वस्तूंवर {percent}% सूट",
    .percent_basket = "संपूर्ण खरेदीवर {percent}% सूट",
    .amount_item = "{item} वर {amount} सूट",
    .amount_category = "{category} मधील वस्तूंवर {amount} सूट",
    .amount_basket = "खरेदीवर {amount} सूट",
    .with_minimum = "{title} ({min} किंवा अधिक बिलावर)",
    .usual_item = "तुम्ही साधारणपणे {every} {item} घेता; मागची खरेदी {ago} झाली होती.",
    .often_item = "तुम्ही नेहमी {item} घेता.",
    .favourite_category = "तुम्ही {category} मधील वस्तू नेहमी घेता.",
    .welcome = "आमच्या दुकानात तुमचे स्वागत आहे; ही तुमच्यासाठी छोटीशी भेट.",
    .chosen = "खास तुमच्यासाठी.",
    .every_day = "रोज",
    .every_days = "दर {n} दिवसांनी",
    .today = "आज",
    .yesterday = "काल",
    .days_ago = "{n} दिवसांपूर्वी",
    .greeting = "नमस्कार, {name}!",
    .greeting_nameless = "नमस्कार!",
    .errors = errors,
};

} // namespace

const Texts& texts_mr() { return texts; }

} // namespace mudi::crm
