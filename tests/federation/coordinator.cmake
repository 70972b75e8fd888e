fedpet_test(RoundStateTest LABEL unit SOURCES RoundStateTest.cpp
            LIBRARIES fedpet_federation)
