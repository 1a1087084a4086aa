#include <array>
#include <span>
#include <string_view>

#include "cli/demo_shop/demo_shop.hpp"

namespace mudi::cli {
namespace {

struct Word {
    std::string_view latin;
    std::string_view native;
};

constexpr Word bengali_given[] = {
    {"Kamala", "কমলা"},     {"Subrata", "সুব্রত"},       {"Anjali", "অঞ্জলি"},    {"Debashis", "দেবাশিস"},
    {"Mitali", "মিতালী"},   {"Prasenjit", "প্রসেনজিৎ"}, {"Sharmila", "শর্মিলা"}, {"Tapan", "তপন"},
    {"Rina", "রীনা"},       {"Sukumar", "সুকুমার"},      {"Moushumi", "মৌসুমী"},  {"Arindam", "অরিন্দম"},
    {"Papiya", "পাপিয়া"},   {"Biswajit", "বিশ্বজিৎ"},   {"Soma", "সোমা"},       {"Nirmal", "নির্মল"},
    {"Lakshmi", "লক্ষ্মী"},   {"Gautam", "গৌতম"},        {"Jhuma", "ঝুমা"},       {"Partha", "পার্থ"},
    {"Rahim", "রহিম"},      {"Fatima", "ফাতিমা"},      {"Abdul", "আবদুল"},      {"Nasrin", "নাসরিন"},
    {"Sabitri", "সাবিত্রী"}, {"Ashok", "অশোক"},         {"Chandana", "চন্দনা"},  {"Dipankar", "দীপঙ্কর"},
    {"Ila", "ইলা"},         {"Manas", "মানস"},
};
constexpr Word bengali_family[] = {
    {"Das", "দাস"},
    {"Ghosh", "ঘোষ"},
    {"Banerjee", "ব্যানার্জী"},
    {"Mukherjee", "মুখার্জী"},
    {"Chatterjee", "চ্যাটার্জী"},
    {"Sarkar", "সরকার"},
    {"Mondal", "মণ্ডল"},
    {"Roy", "রায়"},
    {"Sen", "সেন"},
    {"Paul", "পাল"},
    {"Saha", "সাহা"},
    {"Biswas", "বিশ্বাস"},
    {"Dutta", "দত্ত"},
    {"Bose", "বসু"},
    {"Nath", "নাথ"},
    {"Sheikh", "শেখ"},
    {"Mitra", "মিত্র"},
    {"Kundu", "কুণ্ডু"},
    {"Halder", "হালদার"},
    {"Pramanik", "প্রামাণিক"},
};
constexpr Word marathi_given[] = {
    {"Sanjay", "संजय"},         {"Sunita", "सुनीता"},   {"Mahesh", "महेश"},        {"Vaishali", "वैशाली"},
    {"Ganesh", "गणेश"},         {"Ashwini", "अश्विनी"}, {"Prakash", "प्रकाश"},     {"Savita", "सविता"},
    {"Nitin", "नितीन"},        {"Manisha", "मनीषा"},  {"Dattatray", "दत्तात्रय"}, {"Shubhangi", "शुभांगी"},
    {"Vijay", "विजय"},         {"Kalpana", "कल्पना"},  {"Santosh", "संतोष"},      {"Rohini", "रोहिणी"},
    {"Balasaheb", "बाळासाहेब"}, {"Jyoti", "ज्योती"},    {"Sachin", "सचिन"},       {"Mangal", "मंगल"},
    {"Tukaram", "तुकाराम"},     {"Pallavi", "पल्लवी"},  {"Anil", "अनिल"},         {"Surekha", "सुरेखा"},
    {"Yogesh", "योगेश"},
};
constexpr Word marathi_family[] = {
    {"Patil", "पाटील"},     {"Kulkarni", "कुलकर्णी"}, {"Deshmukh", "देशमुख"}, {"Jadhav", "जाधव"},
    {"Shinde", "शिंदे"},      {"Pawar", "पवार"},      {"Joshi", "जोशी"},    {"Kale", "काळे"},
    {"Gaikwad", "गायकवाड"}, {"More", "मोरे"},        {"Chavan", "चव्हाण"},  {"Bhosale", "भोसले"},
    {"Deshpande", "देशपांडे"}, {"Sawant", "सावंत"},     {"Kamble", "कांबळे"},   {"Mane", "माने"},
    {"Salunkhe", "साळुंखे"},   {"Thorat", "थोरात"},
};
constexpr Word hindi_given[] = {
    {"Ramesh", "रमेश"},   {"Sita", "सीता"},     {"Rajesh", "राजेश"}, {"Geeta", "गीता"}, {"Suresh", "सुरेश"},
    {"Pooja", "पूजा"},    {"Amit", "अमित"},     {"Neha", "नेहा"},    {"Mohan", "मोहन"}, {"Radha", "राधा"},
    {"Imran", "इमरान"},  {"Shabana", "शबाना"}, {"Vikas", "विकास"}, {"Meena", "मीना"}, {"Dinesh", "दिनेश"},
    {"Kavita", "कविता"}, {"Manoj", "मनोज"},    {"Rekha", "रेखा"},   {"Pankaj", "पंकज"}, {"Usha", "उषा"},
};
constexpr Word hindi_family[] = {
    {"Sharma", "शर्मा"},         {"Verma", "वर्मा"},     {"Gupta", "गुप्ता"},
    {"Singh", "सिंह"},           {"Yadav", "यादव"},     {"Mishra", "मिश्रा"},
    {"Tiwari", "तिवारी"},       {"Agarwal", "अग्रवाल"}, {"Khan", "खान"},
    {"Pandey", "पांडेय"},         {"Chauhan", "चौहान"},  {"Jain", "जैन"},
    {"Srivastava", "श्रीवास्तव"}, {"Prasad", "प्रसाद"},
};
constexpr Word english_given[] = {
    {"Maria", "Maria"},   {"Anthony", "Anthony"}, {"Grace", "Grace"}, {"David", "David"},
    {"Sheila", "Sheila"}, {"Joseph", "Joseph"},   {"Nancy", "Nancy"}, {"Peter", "Peter"},
    {"Rosy", "Rosy"},     {"Kevin", "Kevin"},
};
constexpr Word english_family[] = {
    {"D'Souza", "D'Souza"}, {"Fernandes", "Fernandes"}, {"Pereira", "Pereira"}, {"Thomas", "Thomas"},
    {"George", "George"},   {"Rodrigues", "Rodrigues"}, {"Gomes", "Gomes"},     {"Lobo", "Lobo"},
};

struct Community {
    std::span<const Word> given;
    std::span<const Word> family;
    std::string_view language;
};

Community community_of(int community) {
    switch (community) {
    case 0: return {bengali_given, bengali_family, "bn"};
    case 1: return {marathi_given, marathi_family, "mr"};
    case 2: return {hindi_given, hindi_family, "hi"};
    default: return {english_given, english_family, "en"};
    }
}

} // namespace

PersonName draw_name(int community, Random& random) {
    const Community stock = community_of(community);
    const Word& given = stock.given[random.below(stock.given.size())];
    const Word& family = stock.family[random.below(stock.family.size())];
    return {std::string(given.latin) + " " + std::string(family.latin),
            std::string(given.native) + " " + std::string(family.native), std::string(stock.language)};
}

} // namespace mudi::cli
