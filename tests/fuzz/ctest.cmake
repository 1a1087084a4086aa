# The fuzz targets as tests of the dev build. They are compiled by clang in a build folder of their own (./run test does both);
# where that is missing they are skipped.
foreach(target frames zstd bodies texts apply stores)
  add_test(NAME fuzz_${target}
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/run_one ${PROJECT_SOURCE_DIR}/build/fuzz ${target} 60)
  set_tests_properties(fuzz_${target} PROPERTIES LABELS fuzz TIMEOUT 180 SKIP_RETURN_CODE 77)
endforeach()
