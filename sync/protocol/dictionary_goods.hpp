#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// Goods of the built-in dictionary, version 1: number prefix, category, unit, tax in basis points,
/// "name:price;…" in paise. They need not be exact: every fragment that a shop's own goods share with them
/// saves its bytes. Never edited: a better list is a new dictionary id.
namespace mudi::sync {

struct DictionaryGoods {
    std::string_view prefix;
    std::string_view category;
    std::string_view unit;
    std::int32_t tax_rate{};
    std::string_view goods;
};

inline constexpr std::array dictionary_goods = std::to_array<DictionaryGoods>({
    {"8901030", "Soap & Hygiene", "EA", 1800,
     "Lux Soap 100 g:3800;Lifebuoy Total Soap 100 g:3600;Dove Soap 100 g:6200;Pears Soap 125 g:7500"},
    {"8901030", "Laundry", "EA", 1800,
     "Surf Excel Easy Wash 1 kg:14500;Rin Detergent Bar 250 g:2500;"
     "Wheel Active Detergent Powder 1 kg:7200;Vim Dishwash Bar 300 g:2500;"
     "Comfort Fabric Conditioner 860 ml:23500"},
    {"8901030", "Hair Care", "EA", 1800,
     "Clinic Plus Shampoo 340 ml:21500;Sunsilk Black Shine Shampoo 340 ml:27500"},
    {"8901030", "Tea & Coffee", "EA", 500,
     "Brooke Bond Red Label Tea 500 g:27500;Taj Mahal Tea 250 g:19500;Bru Instant Coffee 100 g:22000"},
    {"8901030", "Sauces & Spreads", "EA", 1200,
     "Kissan Mixed Fruit Jam 500 g:18500;Kissan Tomato Ketchup 950 g:14500"},
    {"8901058", "Noodles & Pasta", "EA", 1800,
     "Maggi 2-Minute Masala Noodles 70 g:1400;Maggi Masala Noodles 280 g:5600"},
    {"8901058", "Tea & Coffee", "EA", 1800, "Nescafe Classic Coffee 50 g:18500"},
    {"8901058", "Chocolates & Sweets", "EA", 1800, "KitKat 37.3 g:3000;Munch Chocolate 20 g:1000"},
    {"8901063", "Biscuits & Snacks", "EA", 1800,
     "Britannia Good Day Cashew Biscuits 200 g:4000;Britannia Marie Gold Biscuits 250 g:3500;"
     "Britannia Milk Bikis 200 g:3500;Britannia Bourbon 150 g:3000"},
    {"8901063", "Bread & Bakery", "EA", 0,
     "Britannia Whole Wheat Bread 400 g:5000;Britannia Brown Bread 400 g:4500"},
    {"8901719", "Biscuits & Snacks", "EA", 1800,
     "Parle-G Gold Biscuits 1 kg:12000;Parle-G Biscuits 250 g:2500;Parle Monaco 200 g:3500;"
     "Parle Hide & Seek 120 g:3000"},
    {"8901725", "Atta & Flour", "EA", 500,
     "Aashirvaad Whole Wheat Atta 5 kg:25500;Aashirvaad Multigrain Atta 5 kg:31500;"
     "Aashirvaad Sooji Rava 500 g:3500"},
    {"8901725", "Biscuits & Snacks", "EA", 1800,
     "Sunfeast Dark Fantasy Choco Fills 75 g:4000;Bingo Mad Angles 72 g:2000;"
     "Sunfeast Yippee Noodles 240 g:5000"},
    {"8901262", "Dairy", "EA", 500,
     "Amul Butter 100 g:5800;Amul Taaza Toned Milk 1 L:7200;Amul Gold Full Cream Milk 500 ml:3300;"
     "Amul Masti Dahi 400 g:3500;Amul Pure Ghee 1 L:64000;Amul Cheese Slices 200 g:14500;"
     "Amul Fresh Paneer 200 g:9500"},
    {"8901207", "Personal Care", "EA", 1800,
     "Dabur Red Toothpaste 200 g:12000;Dabur Amla Hair Oil 275 ml:18000;Vatika Hair Oil 300 ml:17500"},
    {"8901207", "Honey & Health", "EA", 500, "Dabur Honey 500 g:23500;Dabur Chyawanprash 950 g:39500"},
    {"8901314", "Oral Care", "EA", 1800,
     "Colgate Strong Teeth Toothpaste 200 g:12500;Colgate MaxFresh Toothpaste 150 g:11500;"
     "Colgate Toothbrush:3000"},
    {"8901088", "Edible Oil", "EA", 500, "Saffola Gold Oil 1 L:19500;Parachute Coconut Oil 500 ml:23500"},
    {"8901248", "Edible Oil", "EA", 500, "Emami Healthy & Tasty Mustard Oil 1 L:17500"},
    {"8906007", "Edible Oil", "EA", 500,
     "Fortune Sunlite Refined Sunflower Oil 1 L:14500;Fortune Kachi Ghani Mustard Oil 1 L:17000;"
     "Fortune Soyabean Oil 1 L:13800;Fortune Besan 500 g:7000"},
    {"8901233", "Chocolates & Sweets", "EA", 1800,
     "Cadbury Dairy Milk 50 g:4500;Cadbury 5 Star 20 g:1000;Bournvita Health Drink 500 g:24500"},
    {"8901491", "Biscuits & Snacks", "EA", 1200,
     "Lay's Classic Salted Chips 52 g:2000;Lay's Magic Masala 52 g:2000;Kurkure Masala Munch 90 g:2000"},
    {"8901764", "Beverages", "EA", 2800,
     "Coca-Cola 750 ml:4000;Thums Up 750 ml:4000;Sprite 750 ml:4000;Maaza Mango Drink 600 ml:4000;"
     "Kinley Water 1 L:2000"},
    {"8902080", "Beverages", "EA", 2800,
     "Pepsi 750 ml:4000;Mountain Dew 750 ml:4000;Tropicana Orange Juice 1 L:12000;"
     "Real Mixed Fruit Juice 1 L:12500"},
    {"8904043", "Salt & Sugar", "EA", 0, "Tata Salt 1 kg:2800;Tata Salt Lite 1 kg:4500"},
    {"8904043", "Tea & Coffee", "EA", 500, "Tata Tea Gold 500 g:31000;Tata Tea Premium 500 g:24500"},
    {"8904043", "Pulses & Dal", "EA", 500,
     "Tata Sampann Toor Dal 1 kg:19500;Tata Sampann Moong Dal 1 kg:17500;"
     "Tata Sampann Chana Dal 1 kg:12500"},
    {"8901786", "Spices & Masala", "EA", 500,
     "Everest Turmeric Powder 100 g:3800;Everest Garam Masala 100 g:8500;"
     "Everest Tikhalal Chilli Powder 100 g:5600;Everest Coriander Powder 100 g:3600"},
    {"8902167", "Spices & Masala", "EA", 500,
     "MDH Chana Masala 100 g:8200;MDH Deggi Mirch 100 g:9600;MDH Kitchen King 100 g:8800"},
    {"8904004", "Snacks & Namkeen", "EA", 1200,
     "Haldiram's Aloo Bhujia 400 g:11000;Haldiram's Moong Dal 200 g:5500;"
     "Haldiram's Soan Papdi 500 g:16000"},
    {"8904109", "Personal Care", "EA", 1800,
     "Patanjali Dant Kanti Toothpaste 200 g:11000;Patanjali Aloe Vera Gel 150 ml:9500"},
    {"8904109", "Dairy", "EA", 1200, "Patanjali Cow Ghee 1 L:66500"},
    {"8901157", "Home Care", "EA", 1800,
     "Good Knight Refill 45 ml:8500;Godrej No.1 Soap 100 g:3000;HIT Spray 400 ml:22500"},
    {"8901396", "Home Care", "EA", 1800,
     "Harpic Toilet Cleaner 500 ml:9800;Dettol Antiseptic Liquid 250 ml:13500;"
     "Lizol Floor Cleaner 975 ml:20500;Dettol Hand Wash 200 ml:9900"},
    {"8906002", "Rice", "EA", 500,
     "India Gate Basmati Rice 5 kg:62500;Daawat Rozana Basmati Rice 5 kg:42500;"
     "Kohinoor Basmati Rice 1 kg:15500"},
    {"8901571", "Baby Care", "EA", 1800,
     "Horlicks Health Drink 500 g:26500;Johnson's Baby Powder 200 g:18500;Pampers Diapers M 20:39900;"
     "Huggies Diapers L 20:41000;Whisper Ultra XL 15:18500;Stayfree Secure 18:12000"},
    {"2000001", "Vegetables", "KGM", 0,
     "Potato:3000;Onion:3500;Tomato:4000;Brinjal:5000;Cauliflower:4500;Cabbage:3500;"
     "Lady Finger Bhindi:6000;Green Chilli:8000;Ginger:16000;Garlic:24000;Carrot:6000;"
     "Spinach Palak:4000;Bottle Gourd Lauki:4000;Green Peas Matar:9000;Coriander Leaves Dhania:10000;"
     "Lemon:12000;Capsicum:9000;Cucumber:4500;Radish:3500;Pumpkin:3000"},
    {"2000002", "Fruits", "KGM", 0,
     "Banana:6000;Apple Shimla:18000;Orange Nagpur:9000;Mango Alphonso:35000;Grapes:11000;Papaya:5000;"
     "Pomegranate:19000;Watermelon:3000;Guava:8000"},
    {"2000003", "Rice & Grains", "KGM", 500,
     "Gobindobhog Rice:12000;Miniket Rice:6000;Kolam Rice:6500;Sona Masoori Rice:6200;"
     "Basmati Rice Loose:9500;Ponni Rice:5800;Poha Chiwda:6500;Sabudana:9500;Bajra Flour:5500;"
     "Jowar Flour:6000"},
    {"2000004", "Pulses & Dal", "KGM", 0,
     "Toor Dal Loose:16500;Masoor Dal:10500;Moong Dal:13000;Chana Dal:9800;Urad Dal:14000;Rajma:15000;"
     "Kabuli Chana:14500;Matki:13500"},
    {"2000005", "Sugar & Jaggery", "KGM", 500, "Sugar:4600;Jaggery Gur:7000;Khejur Gur:18000"},
    {"2000006", "Fish & Meat", "KGM", 0,
     "Rohu Fish:22000;Katla Fish:28000;Hilsa Ilish:140000;Prawn:55000;Chicken:24000;Mutton:78000;"
     "Surmai:75000;Bombil:30000"},
    {"2000007", "Dry Fruits & Nuts", "KGM", 1200,
     "Cashew Nuts Kaju:95000;Almonds Badam:85000;Raisins Kishmish:38000;Groundnut Peanut:15000"},
    {"2000008", "Spices & Masala", "KGM", 500,
     "Cumin Seeds Jeera:42000;Mustard Seeds Sarson:12000;Turmeric Powder Loose:22000;"
     "Chilli Powder Loose:28000;Panch Phoron:24000"},
    {"2000009", "Eggs", "EA", 0, "Eggs 6 pcs:4800;Eggs 12 pcs:9000;Eggs 30 pcs:21000"},
    {"2000010", "Pooja Needs", "EA", 500,
     "Agarbatti Incense Sticks:5000;Camphor Kapur 50 g:8500;Cotton Wicks:2000;Matchbox:200"},
});

} // namespace mudi::sync
