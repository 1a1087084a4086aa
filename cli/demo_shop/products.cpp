#include <array>
#include <string_view>

#include "cli/demo_shop/demo_shop.hpp"

namespace mudi::cli {
namespace {

/// One kind of goods in several varieties and sizes; each pair is a product.
struct Family {
    std::string_view category;
    std::array<std::string_view, 8> varieties;
    std::array<std::string_view, 3> sizes; ///< empty: sold by weight
    std::array<int, 3> rupees;             ///< of the first variety; later ones cost a little more
    int tax_bp;
};

// Rates of the Indian goods and services tax: staples free, packed food 5 or 12 %, household goods 18 %.
constexpr Family families[] = {
    {"rice",
     {"Miniket chal", "Gobindobhog chal", "Basmati chawal", "Kolam tandul", "Indrayani tandul",
      "Sona Masoori"},
     {"1 kg", "5 kg", "10 kg"},
     {62, 295, 570},
     500},
    {"dal",
     {"Masoor dal", "Moong dal", "Chana dal", "Toor dal", "Urad dal", "Matki"},
     {"500 g", "1 kg", ""},
     {68, 132, 0},
     500},
    {"flour",
     {"Atta", "Maida", "Besan", "Sooji", "Jowar atta", "Bajra atta"},
     {"500 g", "1 kg", "5 kg"},
     {34, 62, 260},
     500},
    {"oil",
     {"Shorsher tel", "Sunflower oil", "Groundnut oil", "Rice bran oil", "Til oil"},
     {"500 ml", "1 l", "5 l"},
     {92, 178, 860},
     500},
    {"ghee", {"Gawa ghee", "Buffalo ghee"}, {"200 ml", "500 ml", "1 l"}, {150, 345, 660}, 1200},
    {"sugar and jaggery",
     {"Cheeni", "Nolen gur", "Kolhapuri gul", "Mishri"},
     {"500 g", "1 kg", ""},
     {28, 52, 0},
     500},
    {"salt", {"Namak iodised", "Rock salt", "Kala namak"}, {"200 g", "1 kg", ""}, {12, 28, 0}, 0},
    {"spices",
     {"Haldi", "Jeera", "Dhania", "Lal mirch", "Panch phoron", "Goda masala", "Garam masala", "Posto"},
     {"50 g", "100 g", "200 g"},
     {24, 44, 82},
     500},
    {"tea",
     {"Darjeeling cha", "Assam chai", "Masala chai", "Green tea"},
     {"100 g", "250 g", "500 g"},
     {58, 138, 265},
     500},
    {"coffee", {"Filter coffee", "Instant coffee"}, {"50 g", "100 g", "200 g"}, {95, 180, 340}, 1800},
    {"milk and curd",
     {"Toned milk", "Full cream milk", "Mishti doi", "Dahi", "Chaas"},
     {"500 ml", "1 l", ""},
     {28, 55, 0},
     0},
    {"paneer and butter",
     {"Paneer", "Makhan", "Cheese slices"},
     {"100 g", "200 g", "500 g"},
     {58, 108, 255},
     1200},
    {"bread and eggs",
     {"Pav", "Milk bread", "Brown bread", "Deshi dim"},
     {"small", "large", ""},
     {25, 48, 0},
     0},
    {"biscuits",
     {"Thin arrowroot", "Glucose", "Marie", "Nankhatai", "Cream biscuit", "Jeera biscuit"},
     {"80 g", "200 g", "400 g"},
     {10, 28, 55},
     1800},
    {"snacks",
     {"Muri", "Chanachur", "Bhujia", "Chivda", "Bakarwadi", "Shankarpali", "Khakhra"},
     {"100 g", "200 g", "400 g"},
     {22, 42, 80},
     1200},
    {"sweets",
     {"Rosogolla tin", "Soan papdi", "Chikki", "Pedha", "Til ladoo"},
     {"250 g", "500 g", "1 kg"},
     {95, 180, 350},
     500},
    {"noodles and pasta",
     {"Hakka noodles", "Masala noodles", "Sevai", "Macaroni"},
     {"70 g", "280 g", "500 g"},
     {14, 54, 92},
     1800},
    {"pickles and papad",
     {"Aam achar", "Limbu lonche", "Mixed pickle", "Urad papad", "Kasundi"},
     {"100 g", "200 g", "400 g"},
     {38, 70, 130},
     1200},
    {"soap",
     {"Neem soap", "Sandal soap", "Chandan ubtan", "Glycerine soap"},
     {"75 g", "125 g", "4 x 125 g"},
     {28, 45, 168},
     1800},
    {"detergent",
     {"Washing powder", "Detergent bar", "Dish wash bar", "Liquid detergent"},
     {"250 g", "500 g", "1 kg"},
     {24, 46, 88},
     1800},
    {"hair and body",
     {"Coconut oil", "Amla oil", "Shampoo", "Talcum powder"},
     {"50 ml", "100 ml", "200 ml"},
     {32, 60, 112},
     1800},
    {"oral care",
     {"Toothpaste clove", "Toothpaste gel", "Tooth powder"},
     {"50 g", "100 g", "200 g"},
     {30, 58, 108},
     1800},
    {"puja goods",
     {"Agarbatti", "Dhoop", "Kapur", "Cotton wicks"},
     {"small", "medium", "large"},
     {15, 30, 60},
     500},
    {"household",
     {"Matchbox", "Candles", "Broom", "Scrubber", "Garbage bags"},
     {"single", "pack", ""},
     {12, 50, 0},
     1800},
    {"drinks",
     {"Aam panna", "Nimbu soda", "Kokum sherbet", "Orange drink"},
     {"200 ml", "600 ml", "1.5 l"},
     {20, 42, 85},
     1200},
    {"baby and health",
     {"Baby cereal", "Glucose powder", "Isabgol", "Honey"},
     {"100 g", "200 g", "400 g"},
     {85, 160, 305},
     1200},
    {"vegetables",
     {"Alu", "Peyaj", "Tomato", "Begun", "Bhindi", "Phulkopi", "Palak", "Kanda"},
     {"", "", ""},
     {32, 0, 0},
     0},
    {"vegetables",
     {"Potol", "Lau", "Mirchi", "Ada", "Rasun", "Gajar", "Kakdi", "Dudhi"},
     {"", "", ""},
     {48, 0, 0},
     0},
    {"fruit",
     {"Kela", "Aam", "Seb", "Pyara", "Santra", "Draksha", "Papaya", "Dalimb"},
     {"", "", ""},
     {78, 0, 0},
     0},
    {"fish",
     {"Rui", "Katla", "Ilish", "Chingri", "Pomfret", "Bombil", "Surmai", "Pabda"},
     {"", "", ""},
     {280, 0, 0},
     0},
};

char check_digit(std::string_view digits) {
    int sum = 0;
    for (std::size_t i = 0; i < digits.size(); ++i)
        sum += (digits[i] - '0') * ((digits.size() - i) % 2 == 1 ? 3 : 1);
    return static_cast<char>('0' + (10 - sum % 10) % 10);
}

/// India's GS1 prefix 890 with made-up company digits for packed goods; the in-store prefix 2 for weighed
/// ones.
std::string item_number(std::size_t index, bool weighed) {
    std::string serial = std::to_string(index);
    serial.insert(0, 5 - serial.size(), '0');
    std::string digits = (weighed ? "2100000" : "8909999") + serial;
    digits += check_digit(digits);
    return digits;
}

ShopProduct make(const Family& family, std::size_t variety, std::size_t size, std::size_t index) {
    const bool weighed = family.sizes[0].empty();
    // Every variety a step dearer, and prices that do not end in whole rupees everywhere.
    const std::int64_t paise = family.rupees[size] * (100 + 7 * static_cast<std::int64_t>(variety)) / 50 * 50;
    ShopProduct product;
    product.item_id = item_number(index, weighed);
    product.name =
        std::string(family.varieties[variety]) + (weighed ? "" : " " + std::string(family.sizes[size]));
    product.category = std::string(family.category);
    product.unit = weighed ? "KGM" : "EA";
    product.price = Money{paise, inr};
    product.tax_rate = BasisPoints{family.tax_bp};
    product.usual_thousandths = weighed ? 750 : 1000;
    return product;
}

} // namespace

std::vector<ShopProduct> demo_products() {
    constexpr std::size_t wanted = 400;
    std::vector<ShopProduct> all;
    for (const Family& family : families) {
        for (std::size_t variety = 0; variety < family.varieties.size(); ++variety) {
            if (family.varieties[variety].empty()) break;
            for (std::size_t size = 0; size < family.sizes.size(); ++size) {
                if (family.sizes[size].empty() && size > 0) break;
                all.push_back(make(family, variety, size, all.size() + 1));
            }
        }
    }
    // Second brands of what there is, until the shelves are full.
    for (std::size_t i = 0; all.size() < wanted; ++i) {
        if (all[i].unit == "KGM") continue;
        ShopProduct other = all[i];
        other.item_id = item_number(all.size() + 1, false);
        other.name = "Padma " + other.name;
        other.price.minor = other.price.minor * 9 / 10 / 50 * 50;
        all.push_back(std::move(other));
    }
    all.resize(wanted);
    return all;
}

} // namespace mudi::cli
